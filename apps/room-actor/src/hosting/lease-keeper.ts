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
  /**
   * Ours, but to be given to another pod: finish what is in flight, and call back with each partition, alone or with
   * others, as soon as it is through.
   */
  handOver(partitions: number[], finished: (partitions: number[]) => void): void;
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
  private cancelExpiry: () => void = () => undefined;
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
    ];
    this.cancelExpiry = this.clock.every(Math.max(50, this.settings.ttlMs / 10), () => this.checkExpiry());
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
    const last = await this.finishAll();
    this.cancelExpiry();
    this.held.clear();
    try {
      await this.store.release(this.pod);
      if (last.length > 0) this.events.released(last);
    } catch (error) {
      this.events.failed(error);
    }
  }

  /** The store refused a write under the lease of this epoch; by now another one may be held. */
  fenced(partition: number, epoch: number): void {
    if (this.held.get(partition)?.epoch !== epoch) return;
    this.held.delete(partition);
    this.events.lost([partition]);
  }

  /**
   * The time is up and nobody could be asked: another pod may be the owner by now. To be called before anything is done
   * under a lease, too: after a pause of the process its timers are the last to run.
   */
  checkExpiry(): void {
    if (this.held.size > 0 && this.clock.nowMs() >= this.validUntilMs) this.loseAll();
  }

  /** Hands everything over; what is through early is given back early. Gives what remains to be given back. */
  private async finishAll(): Promise<number[]> {
    const left = new Map(this.held);
    if (left.size === 0) return [];
    const early: Promise<void>[] = [];
    const last = await new Promise<number[]>((resolve) => {
      this.events.handOver([...left.keys()], (done) => {
        const leases = done.flatMap((p) => left.get(p) ?? []);
        for (const p of done) left.delete(p);
        if (left.size === 0) return resolve(done);
        for (const p of done) this.held.delete(p);
        early.push(this.giveBack(leases));
      });
    });
    await Promise.all(early);
    return last;
  }

  private giveBack(leases: readonly Lease[]): Promise<void> {
    return this.store
      .release(this.pod, leases)
      .then(() => this.events.released(leases.map((l) => l.partition)))
      .catch((error: unknown) => this.events.failed(error));
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
    this.events.handOver(partitions, (done) => {
      const through = leases.filter((l) => done.includes(l.partition));
      void this.giveBack(through).finally(() => done.forEach((p) => this.leaving.delete(p)));
    });
  }

  private loseAll(): void {
    const partitions = [...this.held.keys()];
    this.held.clear();
    if (partitions.length > 0) this.events.lost(partitions);
  }
}
