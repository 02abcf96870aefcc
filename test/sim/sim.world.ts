import { MemoryBusHub, MemoryDatabase, MemoryMessageBus } from '@troupe/adapters-memory';
import { type CommitOutcome, type CommitRow, type Fence } from '@troupe/ports';
import { HistoryRecorder, type SeededRandom, SimClock, SimIds, seededRandom } from '@troupe/testing';
import { LossyBus, type NetworkFaults } from './lossy-bus';
import { ProcessClock } from './process-clock';
import type { StoreFaults } from './remote-stores';

/** Bugs that can be put in, to see that the simulation finds them. */
export type PlantedBug =
  'ack before commit' | 'forgotten gap' | 'resume off by one' | 'fence by primary key only';

export const CALM_NETWORK: NetworkFaults = { drop: 0, duplicate: 0, delayMsMax: 3, reorder: false };
export const CALM_STORE: StoreFaults = { latencyMsMax: 4, failBefore: 0, failAfter: 0, late: 0 };

/** What all simulated processes share: time, the network, the database, the dice, and the record of what was seen. */
export class SimWorld {
  readonly clock = new SimClock();
  readonly random: SeededRandom;
  readonly ids: SimIds;
  readonly network: NetworkFaults = { ...CALM_NETWORK };
  readonly store: StoreFaults = { ...CALM_STORE };
  readonly database = new MemoryDatabase({ clock: this.clock });
  readonly recorder = new HistoryRecorder(() => this.clock.nowMs());
  /** What must never happen, seen while it happened. */
  readonly violations: string[] = [];
  private readonly hub = new MemoryBusHub({ schedule: (drain) => this.clock.turnEnd(drain) });

  constructor(
    seed: number,
    readonly bug?: PlantedBug,
  ) {
    this.random = seededRandom(seed);
    this.ids = new SimIds(this.clock, this.random.fork());
    if (bug === 'fence by primary key only') this.database.holds = () => true;
  }

  /** A new process: its clock and its connection to the bus. */
  spawn(): { clock: ProcessClock; bus: LossyBus; wire: MemoryMessageBus } {
    const clock = new ProcessClock(this.clock);
    const wire = new MemoryMessageBus({
      hub: this.hub,
      clock: this.clock,
      onHandlerError: (error) => this.failed(error),
    });
    return { clock, wire, bus: new LossyBus(wire, clock, this.random.fork(), this.network) };
  }

  /** Notes what must not happen. */
  violated(what: string): void {
    this.violations.push(`at ${this.clock.nowMs()} ms: ${what}`);
  }

  failed(error: unknown): void {
    this.violated(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }

  committed(rows: readonly CommitRow[], fence: Fence, outcome: CommitOutcome): void {
    if (outcome.kind !== 'committed') return;
    for (const { room, partition, seq, id } of rows) {
      if (outcome.lost.has(partition)) continue;
      const leaseEpoch = this.database.partitions[partition]?.epoch ?? 0;
      const epoch = fence.epochs.get(partition) ?? -1;
      this.recorder.add({ t: 'row', room, seq, id, epoch, leaseEpoch, writer: fence.pod });
    }
  }

  headOf(room: string): number {
    return this.database.log(room).newestSeq;
  }
}
