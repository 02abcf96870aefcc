import { RecentMap } from '@troupe/actor-core';
import type { MemberCommand, Role } from '@troupe/protocol';
import type { Audience } from './audience';
import type { Refusal } from './lifecycle';
import type { MemberChange, MemberChangeResult, RoomOutput } from './room.output';
import type { RoomPolicy } from './room.policies';

/** Who waits for a change. A command that is sent again has the same `key`. */
interface Answer {
  readonly key: string;
  done(): void;
  refuse(why: Refusal): void;
  head(): number;
}

interface Wanted {
  command: MemberCommand;
  room: { policy: RoomPolicy; open: boolean };
  answer: Answer;
}

/** Changes that wait for the one that is being written; more are refused with `room_busy`. */
const WAITING_MAX = 256;
/** So many changes are remembered as done, for those whose answer was lost. */
const DONE_MAX = 64;

/**
 * The members of a room. Changes are checked against the policy, written one at a time, and take effect (here, for
 * the readers, and for whoever posts next) when the store has them.
 */
export class Membership {
  private roles = new Map<string, Role>();
  /** The change that is being written. */
  private current: Wanted | null = null;
  /** Those behind it, by key, in order. */
  private readonly queue = new Map<string, Wanted>();
  private readonly done = new RecentMap<string, true>(DONE_MAX);
  private closed = false;

  constructor(
    private readonly room: string,
    private readonly output: RoomOutput,
    private readonly audience: Audience,
    /** A write has ended, however. */
    private readonly settled: () => void,
  ) {}

  get size(): number {
    return this.roles.size;
  }

  get busy(): boolean {
    return this.current !== null;
  }

  roleOf(user: string): Role | null {
    return this.roles.get(user) ?? null;
  }

  reset(members: readonly { user: string; role: Role }[]): void {
    this.roles = new Map(members.map(({ user, role }) => [user, role]));
  }

  change(command: MemberCommand, room: Wanted['room'], answer: Answer): void {
    // Its answer was lost: asked again, a leave would find nobody to take out.
    if (this.done.get(answer.key)) return answer.done();
    const same = this.current?.answer.key === answer.key ? this.current : this.queue.get(answer.key);
    if (same) {
      same.answer = answer;
      return;
    }
    if (this.queue.size >= WAITING_MAX) return answer.refuse('room_busy');
    this.queue.set(answer.key, { command, room, answer });
    if (!this.current) this.next();
  }

  /** The partition is another pod's: what has not been asked of the store is asked there. */
  close(): void {
    this.closed = true;
    this.refuseWaiting('moved');
  }

  private next(): void {
    for (const [key, wanted] of this.queue) {
      this.queue.delete(key);
      this.current = wanted;
      if (this.start(wanted)) return;
    }
    this.current = null;
  }

  /** False when the change needs no writing: it is answered. */
  private start(wanted: Wanted): boolean {
    const { command, room, answer } = wanted;
    const { user } = command;
    const actor = { user: command.by, service: command.service === true, role: this.roleOf(command.by) };
    const facts = { open: room.open, members: this.size };
    const current = this.roleOf(user);
    const role = command.role ?? current ?? 'member';
    if (command.change === 'leave' && !current) {
      const mayKnow = actor.role !== null || actor.service || room.open;
      answer.refuse(mayKnow && command.by === user ? 'not_member' : 'not_found');
      return false;
    }
    const verdict =
      command.change === 'join'
        ? room.policy.mayAdd(actor, { user, current, role }, facts)
        : room.policy.mayRemove(actor, { user, current: current ?? 'member' }, facts);
    if (verdict !== 'yes') {
      answer.refuse(verdict);
      return false;
    }
    if (command.change === 'join' && current === role) {
      answer.done();
      return false;
    }
    const change: MemberChange = { room: this.room, user, change: command.change, role };
    this.output.changeMember(change, (result) => this.finish(change, result, wanted));
    return true;
  }

  private finish(change: MemberChange, result: MemberChangeResult, wanted: Wanted): void {
    const { answer } = wanted;
    try {
      if (result === 'done') {
        this.done.set(answer.key, true);
        this.apply(change, answer);
      } else {
        // The others would wait as long, one after the other, for a store that does not answer.
        if (result === 'unavailable') this.refuseWaiting('unavailable');
        answer.refuse(this.closed ? 'moved' : result);
      }
    } finally {
      this.next();
      this.settled();
    }
  }

  private refuseWaiting(why: Refusal): void {
    const waiting = [...this.queue.values()];
    this.queue.clear();
    for (const { answer } of waiting) answer.refuse(why);
  }

  private apply(change: MemberChange, answer: Answer): void {
    const isNew = change.change === 'join' && !this.roles.has(change.user);
    if (change.change === 'join') this.roles.set(change.user, change.role);
    else this.roles.delete(change.user);
    if (isNew || change.change === 'leave') {
      const what = change.change === 'join' ? 'joined' : 'left';
      this.audience.event(
        `{"type":"member","room":"${this.room}","user":"${change.user}","change":"${what}"}`,
        change.user,
      );
      this.output.memberChanged(change, answer.head());
    }
    answer.done();
  }
}
