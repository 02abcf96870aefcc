import type { CommitOutcome, CommitRow, Lease } from '@troupe/ports';
import { partitionOf } from '@troupe/protocol';
import { LONG_TTL_MS, type StoreHarness, rowFor } from './database.harness';

/** A row that the store said is durable. */
export type Accepted = Pick<CommitRow, 'room' | 'seq' | 'id'> & { pod: string; epoch: number };

/** A batch that a pod sent, by what belief, and what came of it. */
export interface Attempt {
  outcome: CommitOutcome;
  rows: readonly CommitRow[];
  epochs: ReadonlyMap<number, number>;
}

/**
 * A pod as far as the store sees one: it believes in the leases that it was given until it is told otherwise, and
 * writes by that belief, one batch at a time.
 */
export class FencedPod {
  /** What it believes to own: partition → epoch. */
  readonly epochs = new Map<number, number>();
  private readonly heads = new Map<string, number>();
  private commits: Promise<unknown> = Promise.resolve();
  private last: { rows: CommitRow[]; epochs: ReadonlyMap<number, number> } = { rows: [], epochs: new Map() };

  constructor(
    readonly name: string,
    private readonly harness: StoreHarness,
    private readonly rooms: readonly string[],
    private readonly accepted: Accepted[],
  ) {}

  async acquire(max: number): Promise<Lease[]> {
    const leases = await this.harness.leases.acquire(this.name, { max, ttlMs: LONG_TTL_MS });
    const taken = new Set(leases.map((l) => l.partition));
    const heads = await this.harness.rooms.heads(this.rooms.filter((room) => taken.has(partitionOf(room))));
    for (const { partition, epoch } of leases) this.epochs.set(partition, epoch);
    for (const [room, head] of heads) this.heads.set(room, head);
    return leases;
  }

  async renew(): Promise<Lease[]> {
    const believed = new Map(this.epochs);
    const owned = await this.harness.leases.renew(this.name, { ttlMs: LONG_TTL_MS });
    const still = new Map(owned.map((l) => [l.partition, l.epoch]));
    for (const [partition, epoch] of believed)
      if (still.get(partition) !== epoch) this.forget(partition, epoch);
    return owned;
  }

  /** Loses everything without hearing of it, as a pod does that was paused past its leases. */
  lose(): Promise<void> {
    return this.harness.leases.release(this.name);
  }

  /** Gives everything that it believes in back in good order. */
  async release(): Promise<void> {
    await this.commits;
    const leases = [...this.epochs].map(([partition, epoch]) => ({ partition, epoch }));
    this.epochs.clear();
    await this.harness.leases.release(this.name, leases);
  }

  /**
   * Writes `count` messages to each of these rooms. Without `fresh`: the batch before once more, under the epochs of
   * then, as a statement does that arrives late or whose outcome was unknown.
   */
  commit(rooms: readonly string[], count: number, fresh: boolean): Promise<Attempt> {
    const run = this.commits.then(() => this.commitNow(rooms, count, fresh));
    this.commits = run.catch(() => undefined);
    return run;
  }

  private async commitNow(rooms: readonly string[], count: number, fresh: boolean): Promise<Attempt> {
    if (fresh) {
      this.last = { rows: rooms.flatMap((room) => this.next(room, count)), epochs: new Map(this.epochs) };
    }
    const { rows, epochs } = this.last;
    const outcome = await this.harness.rooms.commit(rows, { pod: this.name, epochs });
    if (outcome.kind === 'committed') {
      for (const row of rows)
        if (!outcome.lost.has(row.partition)) this.keep(row, epochs.get(row.partition)!);
      for (const partition of outcome.lost) this.forget(partition, epochs.get(partition));
    }
    return { outcome, rows, epochs };
  }

  private next(room: string, count: number): CommitRow[] {
    const head = this.heads.get(room) ?? 0;
    return Array.from({ length: count }, (_, i) => rowFor(room, head + 1 + i));
  }

  private keep(row: CommitRow, epoch: number): void {
    this.accepted.push({ room: row.room, seq: row.seq, id: row.id, pod: this.name, epoch });
    // Under a later epoch the head was loaded again, and knows of this row.
    if (this.epochs.get(row.partition) === epoch) this.heads.set(row.room, row.seq);
  }

  private forget(partition: number, epoch: number | undefined): void {
    if (this.epochs.get(partition) === epoch) this.epochs.delete(partition);
  }
}
