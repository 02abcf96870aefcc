import { StoreUnavailable } from '@troupe/ports';
import type { Clock, Fence, RoomRecord } from '@troupe/ports';
import { PARTITIONS } from '@troupe/protocol';
import type { Role } from '@troupe/protocol';
import { MessageLog } from './message-log';

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
  members: Map<string, Role>;
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
  private readonly logs = new Map<string, MessageLog>();
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
    const roles = new Map(members.map((m) => [m.user, m.role]));
    this.rooms.set(room.room, { settings, members: roles, reserved: 0 });
    return true;
  }

  /** The messages of a room; of one that does not exist, none. */
  log(room: string): MessageLog {
    let log = this.logs.get(room);
    if (!log) this.logs.set(room, (log = new MessageLog()));
    return log;
  }

  /** The highest seq of a room that is committed or reserved. */
  head(room: string): number {
    return Math.max(this.log(room).newestSeq, this.rooms.get(room)?.reserved ?? 0);
  }

  /** Tells whether the fence still holds for a partition: same owner, same epoch. An expired lease nobody took holds. */
  holds(partition: number, fence: Fence): boolean {
    const row = this.partitions[partition];
    return row !== undefined && row.owner === fence.pod && row.epoch === fence.epochs.get(partition);
  }

  /** Runs one operation with the fault that is due. Settles in a microtask, never later. */
  async run<T>(operation: string, action: () => T): Promise<T> {
    const fault = this.faults(operation);
    if (fault === 'fail-before') throw new StoreUnavailable(`${operation}: the store cannot be reached`);
    const result = action();
    if (fault === 'fail-after') throw new StoreUnavailable(`${operation}: the store did not answer`);
    return result;
  }
}
