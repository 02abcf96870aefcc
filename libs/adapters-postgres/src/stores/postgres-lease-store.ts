import type { Lease, LeaseStore } from '@troupe/ports';
import type { Sql } from '../sql/sql';
import { statement } from '../sql/sql-files';

const ACQUIRE = statement('acquire-leases');
const RENEW = statement('renew-leases');
const RELEASE = statement('release-leases');
const RELEASE_POD = statement('release-pod');
const CENSUS = statement('census');

/** {@link LeaseStore} on Postgres or PGlite. Give it a path of its own: a renewal must not wait behind a page of history. */
export class PostgresLeaseStore implements LeaseStore {
  constructor(private readonly sql: Sql) {}

  async acquire(pod: string, { max, ttlMs }: { max: number; ttlMs: number }): Promise<Lease[]> {
    return max <= 0 ? [] : this.sql.query<Lease>(ACQUIRE, [pod, max, ttlMs]);
  }

  async renew(pod: string, { ttlMs }: { ttlMs: number }): Promise<Lease[]> {
    return this.sql.query<Lease>(RENEW, [pod, ttlMs]);
  }

  async release(pod: string, leases?: readonly Lease[]): Promise<void> {
    if (!leases) return void (await this.sql.query(RELEASE_POD, [pod]));
    if (leases.length === 0) return;
    await this.sql.query(RELEASE, [pod, leases.map((l) => l.partition), leases.map((l) => l.epoch)]);
  }

  async census(): Promise<{ pods: number; owned: number }> {
    const [row] = await this.sql.query<{ pods: number; owned: number }>(CENSUS);
    return row ?? { pods: 0, owned: 0 };
  }
}
