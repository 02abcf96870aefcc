import { type Database, databaseOver } from './database';
import { PgSql } from './sql/pg-sql';
import { Reachability } from './sql/reachability';

/** One for a renewal, one for when that hangs on a connection that nobody has noticed to be dead. */
const LEASE_CONNECTIONS_MAX = 2;
const PING = { name: 'troupe-ping', text: 'SELECT 1' };

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database`, with libpq's parameters. */
  url: string;
  /** Connections for everything but leases; those have {@link LEASE_CONNECTIONS_MAX} of their own. */
  poolMax: number;
  /**
   * How long getting a connection, a lock and a statement may each take, in ms. A call is thus answered, or rejected
   * with `StoreUnavailable`, within about twice as long.
   */
  timeoutMs: number;
}

/**
 * Gives a database on a Postgres server (15 or later). Connects when first used: it may well not be there yet, and may
 * go and come back; {@link Database.up} says.
 */
export async function openPostgres({ url, poolMax, timeoutMs }: PostgresOptions): Promise<Database> {
  const reachability: Reachability = new Reachability(() => leases.query(PING));
  const path = (connectionsMax: number, name: string) =>
    new PgSql({ url, connectionsMax, timeoutMs, name }, reachability);
  const work = path(poolMax, 'troupe');
  const leases = path(LEASE_CONNECTIONS_MAX, 'troupe leases');
  reachability.start();
  return databaseOver(
    { work, leases },
    {
      up: () => reachability.up,
      close: async () => {
        reachability.close();
        await Promise.all([work.close(), leases.close()]);
      },
    },
  );
}
