import type { Clock, Lease, LeaseStore } from '@troupe/ports';
import { PARTITIONS } from '@troupe/protocol';

export interface LeaseSettings {
  ttlMs: number;
  renewMs: number;
  /** How often free partitions are looked for. */
  pollMs: number;
}

export interface LeaseEvents {
  gained(leases: Lease[]): void;
  /** No longer ours, whatever is still in flight. */
  lost(partitions: number[]): void;
  /** Ours, but to be given to another pod: finish what is in flight, then call the callback. */
  handOver(partitions: number[], finished: () => void): void;
  /** Given back: other pods may take them at once. */
  released(partitions: number[]): void;
  failed(error: unknown): void;
}

/**
 * Keeps this pod's partitions: takes its fair share of what is free, renews, gives the rest away, and stops obeying
 * its own leases by its monotonic clock when the store cannot be asked in time.
 */
export class LeaseKeeper {
  private readonly held = new Map<number, Lease>();
  private readonly leaving = new Set<number>();
  /** Until when the held leases count, by the monotonic clock. */
  private validUntilMs = 0;
  private round: Promise<void> | null = null;
  /** What was asked for while a round was under way. */
  private wanted: { renew: boolean } | null = null;
  private stopped = true;
  private cancel: (() => void)[] = [];
  /** False while the pod is cut off from something that serving rooms needs. */
  private eligible = true;

  constructor(
    private readonly pod: string,
    private readonly store: LeaseStore,
    private readonly clock: Clock,
    private readonly settings: LeaseSettings,
    private readonly events: LeaseEvents,
  ) {}

  get owned(): number {
    return this.held.size;
  }

  start(): void {
    this.stopped = false;
    this.cancel = [
      this.clock.every(this.settings.renewMs, () => this.tick(true)),
      this.clock.every(this.settings.pollMs, () => this.tick(false)),
      this.clock.every(Math.max(50, this.settings.ttlMs / 10), () => this.checkExpiry()),
    ];
    this.tick(true);
  }

  /** Another pod said that partitions are free. */
  hint(): void {
    this.tick(false);
  }

  /** Cut off from the bus, a pod cannot serve: it lets its leases go until it can. */
  setEligible(eligible: boolean): void {
    this.eligible = eligible;
    if (!eligible) this.loseAll();
    else this.tick(true);
  }

  /** Gives everything back in good order. */
  async stop(): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    for (const cancel of this.cancel) cancel();
    // A renewal that arrives after the release would make this pod count as alive.
    await this.round;
    const partitions = [...this.held.keys()].filter((p) => !this.leaving.has(p));
    await new Promise<void>((resolve) => this.events.handOver(partitions, resolve));
    this.held.clear();
    try {
      await this.store.release(this.pod);
      this.events.released(partitions);
    } catch (error) {
      this.events.failed(error);
    }
  }

  /** The store refused a write under this lease. */
  fenced(partition: number): void {
    if (this.held.delete(partition)) this.events.lost([partition]);
  }

  private tick(renew: boolean): void {
    if (this.stopped || !this.eligible) return;
    if (this.round) {
      this.wanted = { renew: renew || this.wanted?.renew === true };
      return;
    }
    this.round = this.compare(renew)
      .catch((error: unknown) => this.events.failed(error))
      .finally(() => {
        this.round = null;
        const { wanted } = this;
        this.wanted = null;
        if (wanted) this.tick(wanted.renew);
      });
  }

  private async compare(renew: boolean): Promise<void> {
    const { ttlMs } = this.settings;
    if (renew && !(await this.renew())) return;
    const { pods, owned } = await this.store.census();
    if (!this.mayServe) return;
    const share = Math.ceil(PARTITIONS / Math.max(1, pods));
    if (this.held.size > share) return this.giveAway(this.held.size - share);
    if (owned >= PARTITIONS || this.held.size >= share) return;
    const askedAtMs = this.clock.nowMs();
    const taken = await this.store.acquire(this.pod, { max: share - this.held.size, ttlMs });
    if (taken.length === 0) return;
    if (!this.mayServe || this.isOver(askedAtMs)) return void (await this.store.release(this.pod, taken));
    if (this.held.size === 0) this.validUntilMs = askedAtMs + ttlMs;
    for (const lease of taken) this.held.set(lease.partition, lease);
    this.events.gained(taken);
  }

  /** False when this pod has no business with leases any more. */
  private async renew(): Promise<boolean> {
    const { ttlMs } = this.settings;
    // The lease counts from before the question: the store's row ends later than this pod believes, never earlier.
    const askedAtMs = this.clock.nowMs();
    const kept = await this.store.renew(this.pod, { ttlMs });
    // Frozen since it asked, this pod would believe an answer that is about the past.
    if (!this.mayServe || this.isOver(askedAtMs)) return false;
    this.validUntilMs = askedAtMs + ttlMs;
    const strangers = this.reconcile(kept);
    if (strangers.length > 0) await this.store.release(this.pod, strangers);
    return this.mayServe;
  }

  private get mayServe(): boolean {
    return !this.stopped && this.eligible;
  }

  private isOver(askedAtMs: number): boolean {
    return this.clock.nowMs() >= askedAtMs + this.settings.ttlMs;
  }

  /**
   * Compares what the store says with what this pod believes. Gives what is this pod's in the store but not here: taken
   * by a statement whose answer never came, or let go for lack of an answer. To be taken anew, because everybody tells
   * owners apart by their epoch, and this one may have served under it before.
   */
  private reconcile(kept: readonly Lease[]): Lease[] {
    const now = new Map(kept.map((lease) => [lease.partition, lease]));
    const lost = [...this.held.values()].filter((l) => now.get(l.partition)?.epoch !== l.epoch);
    for (const { partition } of lost) this.held.delete(partition);
    if (lost.length > 0) this.events.lost(lost.map((l) => l.partition));
    return kept.filter((l) => !this.held.has(l.partition) && !this.leaving.has(l.partition));
  }

  private giveAway(count: number): void {
    const leases = [...this.held.values()].slice(0, count);
    for (const { partition } of leases) {
      this.held.delete(partition);
      this.leaving.add(partition);
    }
    const partitions = leases.map((l) => l.partition);
    this.events.handOver(partitions, () => {
      void this.store
        .release(this.pod, leases)
        .then(() => this.events.released(partitions))
        .catch((error: unknown) => this.events.failed(error))
        .finally(() => partitions.forEach((p) => this.leaving.delete(p)));
    });
  }

  /** The time is up and nobody could be asked: another pod may be the owner by now. */
  private checkExpiry(): void {
    if (this.held.size > 0 && this.clock.nowMs() >= this.validUntilMs) this.loseAll();
  }

  private loseAll(): void {
    const partitions = [...this.held.keys()];
    this.held.clear();
    if (partitions.length > 0) this.events.lost(partitions);
  }
}
