import type { RoomDirectory, RoomSummary } from '@troupe/ports';
import { TroupeError } from '@troupe/protocol';
import { ROOM_POLICIES } from '@troupe/room';
import type { Principal } from './principal';

/** The one answer for a room that is not there and for one that the asker may not know of. */
const noSuchRoom = (): TroupeError => new TroupeError('not_found', 'no such room');

/** Decides who may know of a room, and hides it from everybody else. */
export class RoomAccess {
  constructor(private readonly directory: RoomDirectory) {}

  /** The room as the asker sees it. Rejects with `not_found`, also when they may not know of it. */
  async visible(principal: Principal, room: string): Promise<RoomSummary> {
    const found = await this.directory.room(room, principal.id);
    if (!found || !(await this.mayKnow(principal, found))) throw noSuchRoom();
    // A service is never a member, even if a user has the same id.
    return principal.kind === 'service' ? { ...found, role: null, lastRead: 0 } : found;
  }

  /**
   * Runs a change through the room's actor and turns refusals that would tell a stranger that the room exists into
   * `not_found`. Does the same work for a room that is not there, so that the time tells nothing either.
   */
  async concealed<T>(principal: Principal, room: string, change: () => Promise<T>): Promise<T> {
    try {
      return await change();
    } catch (error) {
      if (!(error instanceof TroupeError)) throw error;
      switch (error.code) {
        case 'not_found':
        case 'not_member':
        case 'forbidden':
          await this.visible(principal, room);
          throw error;
        default:
          throw error;
      }
    }
  }

  private async mayKnow(principal: Principal, room: RoomSummary): Promise<boolean> {
    if (principal.kind === 'service') return principal.scopes.has('rooms') && room.kind !== 'private';
    // Whether a channel that is not open is private depends on whether it has members.
    const closedChannel = room.kind === 'channel' && !room.open && room.role === null;
    const members = closedChannel
      ? (await this.directory.members(room.room, { after: null, limit: 1 })).length
      : 0;
    const actor = { user: principal.id, service: false, role: room.role };
    return ROOM_POLICIES[room.kind].mayRead(actor, { open: room.open, members }) === 'yes';
  }
}
