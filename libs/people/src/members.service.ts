import type { AccountStore, RoomDirectory } from '@troupe/ports';
import { TroupeError, type Role } from '@troupe/protocol';
import { pageOf, type Page, type PageRequest } from './page';
import { requireScope, type Principal } from './principal';
import type { RoomAccess } from './room-access';
import type { RoomGate } from './room-gate';

export interface Member {
  user: string;
  role: Role;
}

/** Who belongs to a room. Changes go through the room's actor, which knows the rules of its kind. */
export class MembersService {
  constructor(
    private readonly directory: RoomDirectory,
    private readonly accounts: AccountStore,
    private readonly gate: RoomGate,
    private readonly access: RoomAccess,
  ) {}

  /** In order of user id. Rejects with `not_found`. */
  async list(principal: Principal, room: string, page: PageRequest): Promise<Page<Member>> {
    await this.access.visible(principal, room);
    return pageOf(
      page,
      (p) => this.directory.members(room, p),
      (member) => member.user,
    );
  }

  /** Makes somebody a member, or gives them another role. Rejects with `not_found`, `forbidden`. */
  async put(principal: Principal, target: { room: string; user: string; role?: Role }): Promise<Member> {
    const service = this.asService(principal);
    const { room, user, role } = target;
    await this.access.visible(principal, room);
    if (!(await this.accounts.existing([user])).has(user)) {
      throw new TroupeError('not_found', 'no such user');
    }
    await this.access.concealed(principal, room, () =>
      this.gate.changeMember({
        room,
        user,
        by: principal.id,
        change: 'join',
        ...(role === undefined ? {} : { role }),
        ...service,
      }),
    );
    const now = await this.directory.room(room, user);
    // The row may already be gone again: then what was asked for is the truest answer.
    return { user, role: now?.role ?? role ?? 'member' };
  }

  /** Takes somebody out, or leaves. Rejects with `not_found`, `forbidden`. */
  async remove(principal: Principal, target: { room: string; user: string }): Promise<void> {
    const service = this.asService(principal);
    const { room, user } = target;
    await this.access.concealed(principal, room, () =>
      this.gate.changeMember({ room, user, by: principal.id, change: 'leave', ...service }),
    );
  }

  private asService(principal: Principal): { service?: true } {
    if (principal.kind === 'user') return {};
    requireScope(principal, 'rooms');
    return { service: true };
  }
}
