import { type Clock, type CommitRow, type RoomStore, StoreUnavailable } from '@troupe/ports';
import type { ErrorCode } from '@troupe/protocol';
import type { PendingMessage, Room } from '@troupe/room';
import type { Partition } from './partition';

export interface CommitterLimits {
  batchMessagesMax: number;
  batchBytesMax: number;
  /** Messages of the whole pod that may wait; more are refused with `room_busy`. */
  queueMax: number;
}

/** What the committer tells its surroundings, for metrics. */
export interface CommitObserver {
  committed(messages: number, seconds: number): void;
  fenced(partition: number): void;
}

interface Waiting {
  partition: Partition;
  room: Room;
  message: PendingMessage;
}

/**
 * Group commit: while one statement is in flight, the next batch fills. One statement at a time keeps each room's
 * messages in order, and makes batches as large as the store is slow.
 */
export class Committer {
  private queue: Waiting[] = [];
  private running = false;
  private scheduled = false;

  constructor(
    private readonly pod: string,
    private readonly store: RoomStore,
    private readonly clock: Clock,
    private readonly limits: CommitterLimits,
    private readonly observer: CommitObserver,
    private readonly onLost: (partition: number) => void,
    private readonly onError: (error: unknown) => void,
  ) {}

  get idle(): boolean {
    return !this.running && this.queue.length === 0;
  }

  /** The pod has too much waiting: rooms refuse new messages until some are stored. */
  get full(): boolean {
    return this.queue.length >= this.limits.queueMax;
  }

  add(partition: Partition, room: Room, message: PendingMessage): void {
    this.queue.push({ partition, room, message });
    this.schedule();
  }

  private schedule(): void {
    if (this.running || this.scheduled || this.queue.length === 0) return;
    this.scheduled = true;
    this.clock.turnEnd(() => {
      this.scheduled = false;
      void this.run();
    });
  }

  private async run(): Promise<void> {
    const batch = this.takeBatch();
    if (batch.length === 0) return;
    this.running = true;
    const startMs = this.clock.nowMs();
    try {
      const epochs = new Map(batch.map(({ partition }) => [partition.id, partition.epoch]));
      const outcome = await this.store.commit(batch.map(row), { pod: this.pod, epochs });
      switch (outcome.kind) {
        case 'committed':
          this.observer.committed(batch.length, (this.clock.nowMs() - startMs) / 1_000);
          this.settle(batch, outcome.lost);
          break;
        case 'duplicates':
          this.withdraw(batch, outcome.found);
          break;
        case 'conflict':
          this.fail(batch, new Set(outcome.rooms));
          break;
      }
    } catch (error) {
      this.onError(error);
      const code = error instanceof StoreUnavailable ? 'unavailable' : 'internal';
      this.failAll(batch, code);
    } finally {
      this.running = false;
      this.schedule();
    }
  }

  private takeBatch(): Waiting[] {
    // Rooms that closed or failed since have taken their messages back.
    if (this.queue.some(isGone)) this.queue = this.queue.filter((w) => !isGone(w));
    let bytes = 0;
    let count = 0;
    for (const { message } of this.queue) {
      bytes += message.text.length * 2 + 200;
      if (count > 0 && (count >= this.limits.batchMessagesMax || bytes > this.limits.batchBytesMax)) break;
      count++;
    }
    return this.queue.splice(0, count);
  }

  private settle(batch: readonly Waiting[], lost: ReadonlySet<number>): void {
    for (const partition of lost) {
      this.observer.fenced(partition);
      this.onLost(partition);
    }
    for (const w of batch) if (!lost.has(w.partition.id) && !isGone(w)) w.room.committed(w.message);
  }

  /** Repeats give up their place; the others of the batch go first in the next one, in their order. */
  private withdraw(
    batch: Waiting[],
    found: readonly {
      room: string;
      id: string;
      seq: number;
      at: string;
      from: string;
      clientId: string | null;
    }[],
  ): void {
    const byKey = new Map<string, (typeof found)[number]>();
    for (const row of found) {
      byKey.set(`${row.room} ${row.id}`, row);
      if (row.clientId !== null) byKey.set(`${row.room} ${row.from} ${row.clientId}`, row);
    }
    const again: Waiting[] = [];
    for (const w of batch) {
      if (isGone(w)) continue;
      const { message } = w;
      const first =
        byKey.get(`${message.room} ${message.id}`) ??
        (message.clientId === undefined
          ? undefined
          : byKey.get(`${message.room} ${message.from} ${message.clientId}`));
      if (first) w.room.duplicate(message, first);
      else again.push(w);
    }
    if (again.length === batch.length) return this.failAll(batch, 'internal');
    this.queue = [...again, ...this.queue];
  }

  private fail(batch: readonly Waiting[], rooms: ReadonlySet<string>): void {
    const again: Waiting[] = [];
    const failed = new Set<Room>();
    for (const w of batch) {
      if (!rooms.has(w.message.room)) again.push(w);
      else if (!isGone(w)) failed.add(w.room);
    }
    for (const room of failed) room.commitFailed('unavailable');
    this.queue = [...again, ...this.queue];
  }

  private failAll(batch: readonly Waiting[], code: ErrorCode): void {
    const rooms = new Set(batch.filter((w) => !isGone(w)).map((w) => w.room));
    for (const room of rooms) room.commitFailed(code);
  }
}

const isGone = (w: Waiting): boolean => w.message.abandoned;

function row({ partition, message }: Waiting): CommitRow {
  return {
    room: message.room,
    partition: partition.id,
    seq: message.seq,
    id: message.id,
    from: message.from,
    clientId: message.clientId ?? null,
    text: message.text,
    data: message.data ?? null,
    at: message.at,
  };
}
