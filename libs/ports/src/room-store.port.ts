import type { JsonObject, Message, OverflowMode, Role, RoomKind } from '@troupe/protocol';

/** A room as its actor needs it. */
export interface RoomRecord {
  room: string;
  kind: RoomKind;
  title: string | null;
  /** Anyone may join. */
  open: boolean;
  durable: boolean;
  onOverflow: OverflowMode;
  members: { user: string; role: Role }[];
  /** The highest committed seq; 0 for an empty room. For a room that is not durable: the end of the reserved seqs. */
  head: number;
}

/** One message to commit. */
export interface CommitRow {
  room: string;
  partition: number;
  seq: number;
  /** UUIDv7. */
  id: string;
  from: string;
  /** The sender's `clientId`; without one the adapter's uniqueness falls back to `id`. */
  clientId: string | null;
  text: string;
  data: JsonObject | null;
  /** RFC 3339, UTC, milliseconds. */
  at: string;
}

/** Proof of ownership that every write of an actor carries: the database compares it in the same statement. */
export interface Fence {
  pod: string;
  /** Epoch of each partition that the write touches. */
  epochs: ReadonlyMap<number, number>;
}

/** A message that was committed before under the same `(room, from, clientId)` or the same `id`. */
export interface DuplicateRow {
  room: string;
  from: string;
  clientId: string | null;
  id: string;
  seq: number;
  at: string;
}

export type CommitOutcome =
  /** Rows of partitions in `lost` were not written (the fence no longer holds there); all others are durable. */
  | { kind: 'committed'; lost: ReadonlySet<number> }
  /** Nothing was written: these of the rows exist already. Take them out, number the others again, commit again. */
  | { kind: 'duplicates'; found: DuplicateRow[] }
  /** Nothing was written: in these rooms a seq is taken by another message. The actor's head is wrong: load again. */
  | { kind: 'conflict'; rooms: string[] };

/**
 * Rooms, their members and their messages, for the actors and for history.
 *
 * Every write by an actor carries a {@link Fence} and is atomic with the comparison: a pod whose lease was taken over
 * can write nothing, however late its statement arrives. All methods reject with {@link StoreUnavailable} when the
 * store cannot be reached or does not answer in time; after that the outcome of a write is unknown.
 */
export interface RoomStore {
  /** Loads these rooms; ids that do not exist are missing from the result. One round trip. */
  load(rooms: readonly string[]): Promise<Map<string, RoomRecord>>;

  /** The highest committed seq of each room, 0 where there is none. One round trip, an index probe per room. */
  heads(rooms: readonly string[]): Promise<Map<string, number>>;

  /** Commits messages of many rooms in one statement. Rows of one room are consecutive and rising in seq. */
  commit(rows: readonly CommitRow[], fence: Fence): Promise<CommitOutcome>;

  /**
   * Promises that no other owner will give out the next `count` seqs of a room that is not durable.
   * Gives the end of the reserved range, or null when the fence no longer holds.
   */
  reserve(room: string, partition: number, count: number, fence: Fence): Promise<number | null>;

  /**
   * Adds or changes a member. False when the fence no longer holds. Idempotent.
   */
  putMember(m: { room: string; partition: number; user: string; role: Role }, fence: Fence): Promise<boolean>;

  /** Removes a member; no error if there is none. False when the fence no longer holds. */
  removeMember(m: { room: string; partition: number; user: string }, fence: Fence): Promise<boolean>;

  /**
   * One page of messages, oldest first: the `limit` newest before `before`, or the `limit` oldest after `after`.
   * `more`: the range goes on in that direction. Reads at most limit + 1 rows, by one index range.
   */
  history(room: string, page: HistoryPage): Promise<{ messages: Message[]; more: boolean }>;
}

export type HistoryPage = { limit: number } & ({ before?: number } | { after: number });

/** The store cannot be reached or did not answer in time. Temporary; the outcome of a write is unknown. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
}
