import type { AccountStore, Ids, NewRoom, RoomDirectory, RoomSummary } from '@troupe/ports';
import { TroupeError, type OverflowMode } from '@troupe/protocol';
import { pageOf, type Page, type PageRequest } from './page';
import { isPrivateRoomId, privateRoomId } from './private-room';
import { requireScope, requireUser, type Principal } from './principal';
import type { RoomAccess } from './room-access';
import type { RoomGate } from './room-gate';

/** A room as the contract shows it. */
export interface RoomView extends RoomSummary {
  /** How many messages came after the read marker. */
  unread: number;
}

export interface RoomWish {
  kind: 'group' | 'channel';
  id?: string | undefined;
  title?: string | undefined;
  members?: readonly string[] | undefined;
  open?: boolean | undefined;
  durable?: boolean | undefined;
  onOverflow?: OverflowMode | undefined;
}

/** Rooms as people and services make and list them. */
export class RoomsService {
  constructor(
    private readonly directory: RoomDirectory,
    private readonly accounts: AccountStore,
    private readonly gate: RoomGate,
    private readonly access: RoomAccess,
    private readonly ids: Ids,
  ) {}

  /** The user's rooms, in order of their ids. */
  async list(principal: Principal, page: PageRequest): Promise<Page<RoomView>> {
    requireUser(principal);
    return pageOf(
      page,
      async (p) => (await this.directory.roomsOf(principal.id, p)).map(roomView),
      (view) => view.room,
    );
  }

  /** Rejects with `not_found`. */
  async get(principal: Principal, room: string): Promise<RoomView> {
    return roomView(await this.access.visible(principal, room));
  }

  /**
   * Opens the private room with another user; the same one each time. `created`: it was not there before.
   * Rejects with `not_found` (no such user), `bad_request` (with oneself), `forbidden` (services).
   */
  async openPrivate(principal: Principal, other: string): Promise<{ view: RoomView; created: boolean }> {
    requireUser(principal);
    if (other === principal.id) throw new TroupeError('bad_request', 'a private room is with somebody else');
    await this.requireUsers([other]);
    const room = privateRoomId(principal.id, other);
    const created = await this.make({
      room,
      kind: 'private',
      title: null,
      open: false,
      durable: true,
      onOverflow: 'drop-oldest',
      members: [
        { user: principal.id, role: 'member' },
        { user: other, role: 'member' },
      ],
    });
    // Also when it was there: whoever made it may have failed to say so.
    const view = await this.get(principal, room);
    if (!created) this.gate.announceRoom(room, [principal.id, other], view.head);
    return { view, created };
  }

  /**
   * Makes a group, whose owner is the user who makes it, or (services with the scope `rooms`) a group without an
   * owner or a channel. Rejects with `not_found` (an unknown member), `conflict` (the id is taken), `forbidden`.
   */
  async create(principal: Principal, wish: RoomWish): Promise<RoomView> {
    if (principal.kind === 'service' || wish.kind === 'channel') requireScope(principal, 'rooms');
    if (wish.id !== undefined && isPrivateRoomId(wish.id)) {
      throw new TroupeError('conflict', 'this form of id is kept for private rooms');
    }
    const invited = new Set(wish.members);
    if (principal.kind === 'user') invited.delete(principal.id);
    await this.requireUsers([...invited]);
    const room: NewRoom = {
      room: wish.id ?? this.ids.uuid(),
      kind: wish.kind,
      title: wish.title ?? null,
      open: wish.open ?? false,
      durable: wish.durable ?? wish.kind !== 'channel',
      onOverflow: wish.onOverflow ?? 'drop-oldest',
      members: [...invited].map((user) => ({ user, role: 'member' })),
    };
    if (principal.kind === 'user') room.members.unshift({ user: principal.id, role: 'owner' });
    if (!(await this.make(room))) throw new TroupeError('conflict', 'this id is taken');
    return this.get(principal, room.room);
  }

  private async make(room: NewRoom): Promise<boolean> {
    const created = await this.directory.create(room);
    if (created) {
      this.gate.announceRoom(
        room.room,
        room.members.map((m) => m.user),
      );
    }
    return created;
  }

  private async requireUsers(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    const existing = await this.accounts.existing(ids);
    if (!ids.every((id) => existing.has(id))) throw new TroupeError('not_found', 'no such user');
  }
}

function roomView(room: RoomSummary): RoomView {
  return { ...room, unread: Math.max(0, room.head - room.lastRead) };
}
