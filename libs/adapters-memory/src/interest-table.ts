import { SubjectMatcher } from './subject-matcher';

export interface Interested {
  readonly pattern: string;
  /** Those with the same name share what they get. */
  readonly queue: string | undefined;
}

/** Everybody with one pattern. */
class Interest<T extends Interested> {
  readonly each: T[] = [];
  readonly groups = new Map<string, T[]>();

  constructor(readonly matcher: SubjectMatcher) {}

  get empty(): boolean {
    return this.each.length === 0 && this.groups.size === 0;
  }
}

/**
 * Who wants which subjects. Exact subjects are one map lookup; only patterns with wildcards are compared.
 * Members of a queue group take turns, also when they joined it by different patterns.
 */
export class InterestTable<T extends Interested> {
  private readonly exact = new Map<string, Interest<T>>();
  private readonly wild = new Map<string, Interest<T>>();
  private readonly turns = new Map<string, number>();

  add(who: T): void {
    const matcher = new SubjectMatcher(who.pattern);
    const table = matcher.exact ? this.exact : this.wild;
    let interest = table.get(who.pattern);
    if (!interest) table.set(who.pattern, (interest = new Interest(matcher)));
    if (who.queue === undefined) {
      interest.each.push(who);
      return;
    }
    const group = interest.groups.get(who.queue);
    if (group) group.push(who);
    else interest.groups.set(who.queue, [who]);
  }

  remove(who: T): void {
    const table = this.exact.has(who.pattern) ? this.exact : this.wild;
    const interest = table.get(who.pattern);
    if (!interest) return;
    if (who.queue === undefined) {
      without(interest.each, who);
    } else {
      const group = interest.groups.get(who.queue);
      if (group && without(group, who) === 0) interest.groups.delete(who.queue);
    }
    if (interest.empty) table.delete(who.pattern);
  }

  /** Adds to `into` everybody who gets the next message on `subject`: all single ones, one of each group. */
  collect(subject: string, into: T[]): void {
    const interest = this.exact.get(subject);
    let groups: Map<string, T[]> | undefined;
    if (interest) {
      for (const who of interest.each) into.push(who);
      if (interest.groups.size > 0) groups = interest.groups;
    }
    for (const other of this.wild.values()) {
      if (!other.matcher.matches(subject)) continue;
      for (const who of other.each) into.push(who);
      if (other.groups.size > 0) groups = groups ? merged(groups, other.groups) : other.groups;
    }
    if (groups) for (const [name, members] of groups) into.push(this.next(name, members));
  }

  private next(name: string, members: readonly T[]): T {
    const turn = ((this.turns.get(name) ?? -1) + 1) % members.length;
    this.turns.set(name, turn);
    return members[turn]!;
  }
}

/** Removes one element; gives how many are left. */
function without<T>(list: T[], item: T): number {
  const at = list.indexOf(item);
  if (at >= 0) list.splice(at, 1);
  return list.length;
}

function merged<T>(a: Map<string, T[]>, b: Map<string, T[]>): Map<string, T[]> {
  const all = new Map(a);
  for (const [name, members] of b) all.set(name, [...(all.get(name) ?? []), ...members]);
  return all;
}
