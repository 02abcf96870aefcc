import {
  type Clock,
  type CommitOutcome,
  type CommitRow,
  type RoomStore,
  StoreUnavailable,
} from '@troupe/ports';
import type { ErrorCode } from '@troupe/protocol';
import type { PendingMessage, Room } from '@troupe/room';
import type { Partition } from './partition';

export interface CommitterLimits {
  batchMessagesMax: number;
  batchBytesMax: number;
  /** Messages of the whole pod that may wait; more are refused with `room_busy`. */
  queueMax: number;
}

/** With these many bytes waiting the pod refuses as well: `queueMax` messages of ordinary size take less. */
export const QUEUE_BYTES_MAX = 64 * 1024 * 1024;

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
  private queueBytes = 0;
  private running = false;
  private scheduled = false;

  constructor(
    private readonly pod: string,
    private readonly store: RoomStore,
    private readonly clock: Clock,
    private readonly limits: CommitterLimits,
    private readonly observer: CommitObserver,
    private readonly onLost: (partition: number, epoch: number) => void,
    private readonly onError: (error: unknown) => void,
  ) {}

  get idle(): boolean {
    return !this.running && this.queue.length === 0;
  }

  /** The pod has too much waiting: rooms refuse new messages until some are stored. */
  get full(): boolean {
    return this.queue.length >= this.limits.queueMax || this.queueBytes >= QUEUE_BYTES_MAX;
  }

  add(partition: Partition, room: Room, message: PendingMessage): void {
    this.queue.push({ partition, room, message });
    this.queueBytes += message.bytes;
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
    const epochs = new Map(batch.map(({ partition }) => [partition.id, partition.epoch]));
    try {
      const outcome = await this.commit(batch, epochs);
      if (outcome) this.conclude(batch, outcome, epochs);
    } catch (error) {
      this.onError(error);
    } finally {
      this.running = false;
      this.schedule();
    }
  }

  private async commit(
    batch: readonly Waiting[],
    epochs: ReadonlyMap<number, number>,
  ): Promise<CommitOutcome | null> {
    const startMs = this.clock.nowMs();
    try {
      const outcome = await this.store.commit(batch.map(row), { pod: this.pod, epochs });
      if (outcome.kind === 'committed')
        this.observer.committed(batch.length, (this.clock.nowMs() - startMs) / 1_000);
      return outcome;
    } catch (error) {
      this.onError(error);
      this.failAll(batch, error instanceof StoreUnavailable ? 'unavailable' : 'internal');
      return null;
    }
  }

  private conclude(batch: Waiting[], outcome: CommitOutcome, epochs: ReadonlyMap<number, number>): void {
    switch (outcome.kind) {
      case 'committed':
        for (const partition of outcome.lost) {
          this.observer.fenced(partition);
          this.onLost(partition, epochs.get(partition) ?? 0);
        }
        return this.settle(batch, outcome.lost);
      case 'duplicates':
        return this.withdraw(batch, outcome.found);
      case 'conflict':
        return this.fail(batch, new Set(outcome.rooms));
    }
  }

  /** What one room throws is its own affair: it starts afresh from the store, and the others hear the truth about theirs. */
  private stumbled(room: Room, error: unknown): void {
    this.onError(error);
    this.failRoom(room, 'unavailable');
  }

  private failRoom(room: Room, code: ErrorCode): void {
    try {
      room.commitFailed(code);
    } catch (error) {
      this.onError(error);
    }
  }

  private takeBatch(): Waiting[] {
    // Rooms that closed or failed since have taken their messages back.
    if (this.queue.some(isGone)) this.replaceQueue(this.queue.filter((w) => !isGone(w)));
    let bytes = 0;
    let count = 0;
    for (const { message } of this.queue) {
      const more = bytes + message.bytes;
      if (count > 0 && (count >= this.limits.batchMessagesMax || more > this.limits.batchBytesMax)) break;
      bytes = more;
      count++;
    }
    this.queueBytes -= bytes;
    return this.queue.splice(0, count);
  }

  private replaceQueue(queue: Waiting[]): void {
    this.queue = queue;
    this.queueBytes = queue.reduce((bytes, { message }) => bytes + message.bytes, 0);
  }

  private settle(batch: readonly Waiting[], lost: ReadonlySet<number>): void {
    for (const w of batch) {
      const { room, message, partition } = w;
      if (lost.has(partition.id) || isGone(w)) continue;
      try {
        room.committed(message);
      } catch (error) {
        this.stumbled(room, error);
      }
    }
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
      if (!first) {
        again.push(w);
        continue;
      }
      try {
        w.room.duplicate(message, first);
      } catch (error) {
        this.stumbled(w.room, error);
      }
    }
    if (again.length === batch.length) return this.failAll(batch, 'internal');
    this.replaceQueue([...again, ...this.queue]);
  }

  private fail(batch: readonly Waiting[], rooms: ReadonlySet<string>): void {
    const again: Waiting[] = [];
    const failed = new Set<Room>();
    for (const w of batch) {
      if (!rooms.has(w.message.room)) again.push(w);
      else if (!isGone(w)) failed.add(w.room);
    }
    for (const room of failed) this.failRoom(room, 'unavailable');
    this.replaceQueue([...again, ...this.queue]);
  }

  private failAll(batch: readonly Waiting[], code: ErrorCode): void {
    const rooms = new Set(batch.filter((w) => !isGone(w)).map((w) => w.room));
    for (const room of rooms) this.failRoom(room, code);
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
