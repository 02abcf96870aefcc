import { randomBytes, randomUUID } from 'node:crypto';
import type {
  AccountStore,
  CommitRow,
  Fence,
  Lease,
  LeaseStore,
  NewRoom,
  RoomDirectory,
  RoomStore,
} from '@troupe/ports';
import { partitionOf } from '@troupe/protocol';

/** Rooms and leases of one database, which nobody else uses while a suite runs. */
export interface StoreHarness {
  rooms: RoomStore;
  leases: LeaseStore;
  /** Makes a room. Its members exist as users by then, where the store knows users. */
  createRoom(room: NewRoom): Promise<void>;
  /** Makes a user, where the store knows users. */
  createUser(id: string): Promise<void>;
  /** Lets this much of the store's time pass, in ms. Called in loops that have a deadline. */
  pass(ms: number): Promise<void>;
  close(): Promise<void>;
}

/** The harness of a database with all four stores, on real time. Whoever opened it closes it. */
export function harnessOver(db: {
  rooms: RoomStore;
  leases: LeaseStore;
  accounts: AccountStore;
  directory: RoomDirectory;
}): StoreHarness & { accounts: AccountStore; directory: RoomDirectory } {
  const { rooms, leases, accounts, directory } = db;
  return {
    rooms,
    leases,
    accounts,
    directory,
    createRoom: async (room) => {
      if (!(await directory.create(room))) throw new Error(`the room ${room.room} is there already`);
    },
    createUser: async (id) => {
      if (!(await accounts.createUser({ id, name: id, passwordHash: '-' }))) throw new Error(`${id} exists`);
    },
    pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    close: async () => undefined,
  };
}

/** What adapters of the room store differ in. */
export interface RoomStoreCapabilities {
  /** The store knows who is a user, and refuses others as members. */
  users: boolean;
}

/** Long enough that no lease ends by itself within a test, in ms. */
export const LONG_TTL_MS = 3_600_000;
/** A store on real time is given this long, in ms, for what takes a moment. */
export const DEADLINE_MS = 20_000;

/** An id that no other test uses. */
export function uniqueId(prefix: string): string {
  return `${prefix}-${randomBytes(6).toString('hex')}`;
}

/** A UUID with the version 7. Its order means nothing to the store. */
export function messageId(): string {
  return randomUUID().replace(/^(.{14})./, '$17');
}

/** A message to commit, with what does not matter to the test filled in. */
export function rowFor(room: string, seq: number, other: Partial<CommitRow> = {}): CommitRow {
  return {
    room,
    partition: partitionOf(room),
    seq,
    id: messageId(),
    from: 'alice',
    clientId: null,
    text: `message ${seq}`,
    data: null,
    at: '2026-02-03T04:05:06.789Z',
    ...other,
  };
}

export function fenceOf(pod: string, leases: readonly Lease[]): Fence {
  return { pod, epochs: new Map(leases.map(({ partition, epoch }) => [partition, epoch])) };
}

/** Takes every partition that is free, for `pod`. */
export async function takeAll(leases: LeaseStore, pod: string): Promise<Fence> {
  return fenceOf(pod, await leases.acquire(pod, { max: 256, ttlMs: LONG_TTL_MS }));
}

/** A durable, empty group. */
export function newGroup(other: Partial<NewRoom> = {}): NewRoom {
  return {
    room: uniqueId('room'),
    kind: 'group',
    title: null,
    open: false,
    durable: true,
    onOverflow: 'drop-oldest',
    members: [],
    ...other,
  };
}

/** Repeats `attempt` while the store's time passes, until it gives something other than null. */
export async function eventually<T>(
  harness: Pick<StoreHarness, 'pass'>,
  what: string,
  attempt: () => Promise<T | null>,
): Promise<T> {
  const endMs = performance.now() + DEADLINE_MS;
  for (;;) {
    const result = await attempt();
    if (result !== null) return result;
    if (performance.now() > endMs) throw new Error(`not within ${DEADLINE_MS} ms: ${what}`);
    await harness.pass(20);
  }
}
