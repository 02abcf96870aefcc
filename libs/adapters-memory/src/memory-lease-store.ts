import type { Lease, LeaseStore } from '@troupe/ports';
import type { MemoryDatabase } from './memory-database';

/** Leases in memory, on the database's clock. */
export class MemoryLeaseStore implements LeaseStore {
  constructor(private readonly db: MemoryDatabase) {}

  acquire(pod: string, options: { max: number; ttlMs: number }): Promise<Lease[]> {
    return this.db.run('acquire', () => {
      const now = this.db.clock.nowMs();
      const taken: Lease[] = [];
      for (const [partition, row] of this.db.partitions.entries()) {
        if (taken.length >= options.max) break;
        if (row.owner !== null && row.leaseUntilMs > now) continue;
        row.owner = pod;
        row.epoch += 1;
        row.leaseUntilMs = now + options.ttlMs;
        taken.push({ partition, epoch: row.epoch });
      }
      return taken;
    });
  }

  renew(pod: string, options: { ttlMs: number }): Promise<Lease[]> {
    return this.db.run('renew', () => {
      const until = this.db.clock.nowMs() + options.ttlMs;
      this.db.pods.set(pod, until);
      const owned: Lease[] = [];
      for (const [partition, row] of this.db.partitions.entries()) {
        if (row.owner !== pod) continue;
        row.leaseUntilMs = until;
        owned.push({ partition, epoch: row.epoch });
      }
      return owned;
    });
  }

  release(pod: string, leases?: readonly Lease[]): Promise<void> {
    return this.db.run('release', () => {
      if (leases === undefined) {
        this.db.pods.delete(pod);
        for (const row of this.db.partitions) if (row.owner === pod) row.owner = null;
        return;
      }
      for (const { partition, epoch } of leases) {
        const row = this.db.partitions[partition];
        if (row && row.owner === pod && row.epoch === epoch) row.owner = null;
      }
    });
  }

  census(): Promise<{ pods: number; owned: number }> {
    return this.db.run('census', () => {
      const now = this.db.clock.nowMs();
      for (const [pod, until] of this.db.pods) if (until <= now) this.db.pods.delete(pod);
      const owned = this.db.partitions.filter((row) => row.owner !== null && row.leaseUntilMs > now);
      return { pods: this.db.pods.size, owned: owned.length };
    });
  }
}
