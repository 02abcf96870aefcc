import type { JsonObject, Role } from '@troupe/protocol';

/**
 * The way to a room's actor, for callers that hold no socket. Everything that changes the messages or members of a
 * room that exists goes through it: the actor checks membership, roles and kinds.
 * Rejects with `TroupeError` (not_found, not_member, forbidden, unavailable, room_busy, rate_limited …).
 */
export interface RoomGate {
  /** Publishes one message; resolves when it is durable (durable rooms) or ordered (others). */
  publish(m: {
    room: string;
    from: string;
    service?: boolean;
    clientId?: string;
    text: string;
    data?: JsonObject;
  }): Promise<{ seq: number; id: string; at: string; duplicate: boolean }>;
  changeMember(c: {
    room: string;
    user: string;
    by: string;
    change: 'join' | 'leave';
    role?: Role;
    service?: boolean;
  }): Promise<{ head: number }>;
  /**
   * After a room was created: gateways attach the members' sessions. With `head`, the room was there before, and
   * only those attach who missed its creation.
   */
  announceRoom(room: string, members: string[], head?: number): void;
}

export const ROOM_GATE = Symbol('RoomGate');
