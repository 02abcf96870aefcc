import {
  type CommitOutcome,
  type CommitRow,
  type Fence,
  type HistoryPage,
  type Lease,
  type LeaseStore,
  type RoomRecord,
  type RoomStore,
  StoreUnavailable,
} from '@troupe/ports';
import type { Message, Role } from '@troupe/protocol';
import type { SeededRandom, SimClock } from '@troupe/testing';
import type { ProcessClock } from './process-clock';

/** What the way to the database does to each statement; changed while the simulation runs. */
export interface StoreFaults {
  latencyMsMax: number;
  /** The statement never arrives. */
  failBefore: number;
  /** The statement took effect, but its answer is lost. */
  failAfter: number;
  /** The statement arrives long after its sender has given it up. */
  late: number;
}

const TIMEOUT_MS = 150;

/** One process's way to the database. What was sent arrives, whatever becomes of the process. */
export class RemoteCalls {
  constructor(
    private readonly database: SimClock,
    private readonly process: ProcessClock,
    private readonly random: SeededRandom,
    private readonly faults: StoreFaults,
  ) {}

  call<T>(effect: () => Promise<T>): Promise<T> {
    const { random, process, faults } = this;
    return new Promise((resolve, reject) => {
      const unavailable = (): void => reject(new StoreUnavailable('the store did not answer'));
      process.after(TIMEOUT_MS, unavailable);
      if (random.chance(faults.failBefore)) return;
      const wayMs = random.chance(faults.late) ? 200 + random.below(1_500) : this.latencyMs();
      const backMs = this.latencyMs();
      const lost = random.chance(faults.failAfter);
      this.database.after(wayMs, () => {
        void effect().then(
          (result) => process.arrives(backMs, () => (lost ? unavailable() : resolve(result))),
          (error: unknown) => process.arrives(backMs, () => reject(error as Error)),
        );
      });
    });
  }

  private latencyMs(): number {
    return 1 + this.random.below(this.faults.latencyMsMax);
  }
}

export class RemoteRoomStore implements RoomStore {
  constructor(
    private readonly inner: RoomStore,
    private readonly remote: RemoteCalls,
    private readonly onCommit: (rows: readonly CommitRow[], fence: Fence, outcome: CommitOutcome) => void,
  ) {}

  load(rooms: readonly string[]): Promise<Map<string, RoomRecord>> {
    return this.remote.call(() => this.inner.load(rooms));
  }

  heads(rooms: readonly string[]): Promise<Map<string, number>> {
    return this.remote.call(() => this.inner.heads(rooms));
  }

  commit(rows: readonly CommitRow[], fence: Fence): Promise<CommitOutcome> {
    // As a driver would: what the rows say is fixed when the statement is sent.
    const sent = structuredClone(rows) as CommitRow[];
    return this.remote.call(async () => {
      const outcome = await this.inner.commit(sent, fence);
      this.onCommit(sent, fence, outcome);
      return outcome;
    });
  }

  reserve(room: string, partition: number, count: number, fence: Fence): Promise<number | null> {
    return this.remote.call(() => this.inner.reserve(room, partition, count, fence));
  }

  putMember(
    m: { room: string; partition: number; user: string; role: Role },
    fence: Fence,
  ): Promise<boolean> {
    return this.remote.call(() => this.inner.putMember(m, fence));
  }

  removeMember(m: { room: string; partition: number; user: string }, fence: Fence): Promise<boolean> {
    return this.remote.call(() => this.inner.removeMember(m, fence));
  }

  history(room: string, page: HistoryPage): Promise<{ messages: Message[]; more: boolean }> {
    return this.remote.call(() => this.inner.history(room, page));
  }
}

export class RemoteLeaseStore implements LeaseStore {
  constructor(
    private readonly inner: LeaseStore,
    private readonly remote: RemoteCalls,
  ) {}

  acquire(pod: string, options: { max: number; ttlMs: number }): Promise<Lease[]> {
    return this.remote.call(() => this.inner.acquire(pod, options));
  }

  renew(pod: string, options: { ttlMs: number }): Promise<Lease[]> {
    return this.remote.call(() => this.inner.renew(pod, options));
  }

  release(pod: string, leases?: readonly Lease[]): Promise<void> {
    return this.remote.call(() => this.inner.release(pod, leases));
  }

  census(): Promise<{ pods: number; owned: number }> {
    return this.remote.call(() => this.inner.census());
  }
}
