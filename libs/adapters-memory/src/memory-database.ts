import { StoreUnavailable } from '@troupe/ports';
import type { Clock, CommitRow, Fence, RoomRecord } from '@troupe/ports';
import { PARTITIONS } from '@troupe/protocol';

/** What happens to one operation: `fail-after` took effect, but the caller is told that the store is unavailable. */
export type StoreFault = 'none' | 'fail-before' | 'fail-after';

export interface MemoryDatabaseOptions {
  /** The store's own clock; leases end by it. */
  clock: Clock;
  /** Asked before each operation, by the name of the port's method. */
  faults?: (operation: string) => StoreFault;
}

export interface PartitionRow {
  owner: string | null;
  epoch: number;
  leaseUntilMs: number;
}

export interface RoomRow {
  settings: Omit<RoomRecord, 'members' | 'head'>;
  members: Map<string, RoomRecord['members'][number]['role']>;
  /** Committed messages, rising in seq. */
  messages: CommitRow[];
  /** The same messages by {@link senderKey} and by id. */
  sent: Map<string, CommitRow>;
  /** The end of what a room that is not durable has reserved. */
  reserved: number;
}

export type NewRoomRow = RoomRow['settings'] & { members?: RoomRecord['members'] };

/**
 * The rows that {@link MemoryRoomStore} and {@link MemoryLeaseStore} share, as two tables of one database are.
 * An operation runs in one piece: no other sees half of it, and it fails before or after it, never within.
 */
export class MemoryDatabase {
  readonly clock: Clock;
  readonly rooms = new Map<string, RoomRow>();
  readonly partitions: PartitionRow[];
  /** Pod → until when it counts as alive. */
  readonly pods = new Map<string, number>();
  private readonly faults: (operation: string) => StoreFault;

  constructor(options: MemoryDatabaseOptions) {
    this.clock = options.clock;
    this.faults = options.faults ?? (() => 'none');
    this.partitions = Array.from({ length: PARTITIONS }, () => ({ owner: null, epoch: 0, leaseUntilMs: 0 }));
  }

  /** Makes a room; false if the id is taken. */
  createRoom(room: NewRoomRow): boolean {
    if (this.rooms.has(room.room)) return false;
    const { members = [], ...settings } = room;
    this.rooms.set(room.room, {
      settings,
      members: new Map(members.map((m) => [m.user, m.role])),
      messages: [],
      sent: new Map(),
      reserved: 0,
    });
    return true;
  }

  /** Runs one operation with the fault that is due. Settles in a microtask, never later. */
  async run<T>(operation: string, action: () => T): Promise<T> {
    const fault = this.faults(operation);
    if (fault === 'fail-before') throw new StoreUnavailable(`${operation}: the store cannot be reached`);
    const result = action();
    if (fault === 'fail-after') throw new StoreUnavailable(`${operation}: the store did not answer`);
    return result;
  }

  /** Tells whether the fence still holds for a partition: same owner, same epoch. An expired lease nobody took holds. */
  holds(partition: number, fence: Fence): boolean {
    const row = this.partitions[partition];
    return row !== undefined && row.owner === fence.pod && row.epoch === fence.epochs.get(partition);
  }

  /** A room that an actor writes to. Writing to a room that does not exist is a bug of the caller. */
  roomOf(id: string): RoomRow {
    const room = this.rooms.get(id);
    if (!room) throw new RangeError('the room does not exist');
    return room;
  }
}

/** The highest committed seq; what was reserved counts too, for rooms that are not durable. */
export function headOf(room: RoomRow): number {
  return Math.max(room.messages.at(-1)?.seq ?? 0, room.reserved);
}

/** Under what a repeat of a message by the same sender is found. */
export function senderKey(from: string, clientId: string): string {
  return `${from}\u0000${clientId}`;
}
