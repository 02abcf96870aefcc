import type { MemberCommand, Role } from '@troupe/protocol';
import type { Audience } from './audience';
import type { Refusal } from './lifecycle';
import type { MemberChange, MemberChangeResult, RoomOutput } from './room.output';
import type { RoomPolicy } from './room.policies';

interface Answer {
  done(): void;
  refuse(why: Refusal): void;
  head(): number;
}

/**
 * The members of a room. Changes are checked against the policy, written one at a time, and take effect (here, for
 * the readers, and for whoever posts next) when the store has them.
 */
export class Membership {
  private roles = new Map<string, Role>();
  private readonly queue: (() => void)[] = [];
  private writing = false;

  constructor(
    private readonly room: string,
    private readonly output: RoomOutput,
    private readonly audience: Audience,
  ) {}

  get size(): number {
    return this.roles.size;
  }

  get busy(): boolean {
    return this.writing;
  }

  roleOf(user: string): Role | null {
    return this.roles.get(user) ?? null;
  }

  reset(members: readonly { user: string; role: Role }[]): void {
    this.roles = new Map(members.map(({ user, role }) => [user, role]));
  }

  change(command: MemberCommand, room: { policy: RoomPolicy; open: boolean }, answer: Answer): void {
    this.queue.push(() => this.start(command, room, answer));
    if (!this.writing) this.next();
  }

  private next(): void {
    const start = this.queue.shift();
    this.writing = start !== undefined;
    start?.();
  }

  private start(command: MemberCommand, room: { policy: RoomPolicy; open: boolean }, answer: Answer): void {
    const { user } = command;
    const actor = { user: command.by, service: command.service === true, role: this.roleOf(command.by) };
    const facts = { open: room.open, members: this.size };
    const current = this.roleOf(user);
    const role = command.role ?? current ?? 'member';
    if (command.change === 'leave' && !current) {
      if (actor.role || actor.service || room.open)
        answer.refuse(command.by === user ? 'not_member' : 'not_found');
      else answer.refuse('not_found');
      return this.next();
    }
    const verdict =
      command.change === 'join'
        ? room.policy.mayAdd(actor, { user, current, role }, facts)
        : room.policy.mayRemove(actor, { user, current: current ?? 'member' }, facts);
    if (verdict !== 'yes') {
      answer.refuse(verdict);
      return this.next();
    }
    if (command.change === 'join' && current === role) {
      answer.done();
      return this.next();
    }
    const change: MemberChange = { room: this.room, user, change: command.change, role };
    this.output.changeMember(change, (result) => this.finish(change, result, answer));
  }

  private finish(change: MemberChange, result: MemberChangeResult, answer: Answer): void {
    if (result === 'done') this.apply(change, answer);
    else answer.refuse(result);
    this.next();
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
