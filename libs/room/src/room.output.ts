import type { Message } from '@troupe/protocol';
import type { Role } from '@troupe/protocol';
import type { PendingMessage } from './sequencer';

/** What a room cannot do by itself. Results come back in a later turn, through the callback or the room's methods. */
export interface RoomOutput {
  /** Read the room's row, members and head; then call `loaded` or `loadFailed`. */
  load(room: string): void;
  /**
   * Read the highest committed seq alone, 0 if there is none; the callback gets null if that failed. An ability that
   * spares loads: without it a room that only has to compare heads loads.
   */
  head?(room: string, done: (head: number | null) => void): void;
  /** Too much waits for the store already: the room refuses with `room_busy` rather than ask. */
  readonly saturated: boolean;
  /** Commit a message; then call `committed`, `duplicate`, or `commitFailed`. In order, per room. */
  commit(room: string, message: PendingMessage): void;
  /** Reserve seqs of a room that is not durable; the callback gets the new end, or null if that failed. */
  reserve(room: string, done: (reservedTo: number | null) => void): void;
  /** Read messages after a seq, oldest first; the callback gets null if that failed. */
  fetch(
    room: string,
    page: { after: number; limit: number },
    done: (messages: Message[] | null) => void,
  ): void;
  /** Write a membership change; the callback gets how it went. */
  changeMember(change: MemberChange, done: (result: MemberChangeResult) => void): void;
  /** A message is durable (or ordered, in a room that is not durable) and has gone out to all edges. */
  published(message: { room: string }, body: Uint8Array): void;
  /** A membership change is durable; `head` is the room's head when it took effect. */
  memberChanged(change: MemberChange, head: number): void;
}

export interface MemberChange {
  room: string;
  user: string;
  change: 'join' | 'leave';
  role: Role;
}

export type MemberChangeResult = 'done' | 'moved' | 'not_found' | 'unavailable';
