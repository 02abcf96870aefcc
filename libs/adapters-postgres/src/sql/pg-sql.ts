import { StoreUnavailable } from '@troupe/ports';
import { Pool, type PoolClient, type QueryConfig, types } from 'pg';
import type { Reachability } from './reachability';
import { PLANNER, type Sql, type SqlParam, type SqlTransaction, type Statement } from './sql';
import { SqlFailure, storeError } from './sql-failure';

/** How many statements may wait for a connection. More would only be answered after their callers have given up. */
const WAITING_MAX = 1_000;
/** By how much the client waits longer than the server: the server's own timeout leaves the connection usable. */
const CLIENT_GRACE_MS = 250;

export interface PgPathOptions {
  url: string;
  /** At most this many connections. */
  connectionsMax: number;
  /** How long a statement, a lock, and waiting for a connection may each take, in ms. */
  timeoutMs: number;
  /** Shown in pg_stat_activity. */
  name: string;
}

const INT8_OID = 20;

/** `bigint` as a number (seqs and counts are below 2^53), everything else as usual; without touching the driver's globals. */
const rowTypes = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    return oid === INT8_OID ? Number : types.getTypeParser(oid, format);
  },
};

/** {@link Sql} over node-postgres: a small pool with every timeout set. */
export class PgSql implements Sql {
  private readonly pool: Pool;
  private ended: Promise<void> | undefined;

  constructor(
    options: PgPathOptions,
    private readonly reachability: Reachability,
  ) {
    const { timeoutMs } = options;
    this.pool = new Pool({
      connectionString: options.url,
      application_name: options.name,
      max: options.connectionsMax,
      connectionTimeoutMillis: timeoutMs,
      statement_timeout: timeoutMs,
      lock_timeout: timeoutMs,
      idle_in_transaction_session_timeout: timeoutMs,
      query_timeout: timeoutMs + CLIENT_GRACE_MS,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      idleTimeoutMillis: 60_000,
      options: `-c ${PLANNER}`,
      types: rowTypes,
    });
    // An idle connection that breaks is the first sign of a database that went away.
    this.pool.on('error', () => this.reachability.failed());
    // One that breaks while in use also rejects its statement; unheard, its event would end the process.
    this.pool.on('connect', (client) => client.on('error', () => this.reachability.failed()));
  }

  async query<Row>(statement: Statement, params: readonly SqlParam[] = []): Promise<Row[]> {
    const { name, text } = statement;
    return this.withClient((client) => rowsOf<Row>(client, { name, text, values: [...params] }));
  }

  async transaction<T>(
    action: (tx: SqlTransaction) => Promise<T>,
    { timeoutMs }: { timeoutMs: number },
  ): Promise<T> {
    const serverMs = Math.ceil(timeoutMs);
    const query_timeout = serverMs + CLIENT_GRACE_MS;
    return this.withClient(async (client) => {
      const script = async (text: string): Promise<void> =>
        void (await rowsOf(client, { text, query_timeout }));
      await script(`BEGIN; SET LOCAL statement_timeout = ${serverMs}; SET LOCAL lock_timeout = ${serverMs}`);
      try {
        const result = await action({
          script,
          query: <Row>(text: string, params: readonly SqlParam[] = []) =>
            rowsOf<Row>(client, { text, values: [...params], query_timeout }),
        });
        await script('COMMIT');
        return result;
      } catch (error) {
        // After anything but a refusal the connection is given up anyway, and the server rolls back by itself.
        if (!(error instanceof StoreUnavailable)) await script('ROLLBACK');
        throw error;
      }
    });
  }

  close(): Promise<void> {
    this.ended ??= this.pool.end();
    return this.ended;
  }

  private async withClient<T>(action: (client: PoolClient) => Promise<T>): Promise<T> {
    if (this.pool.waitingCount >= WAITING_MAX) {
      throw new StoreUnavailable('too many statements wait for the database');
    }
    let client: PoolClient;
    try {
      client = await this.pool.connect();
    } catch (error) {
      throw this.noticed(storeError(error));
    }
    try {
      const result = await action(client);
      client.release();
      this.reachability.answered();
      return result;
    } catch (error) {
      // A refused statement leaves a good connection; after anything else nobody knows what it is in the middle of.
      client.release(!(error instanceof SqlFailure));
      throw this.noticed(error);
    }
  }

  private noticed(error: unknown): unknown {
    if (error instanceof StoreUnavailable) this.reachability.failed();
    else if (error instanceof SqlFailure) this.reachability.answered();
    return error;
  }
}

/** One statement as the driver takes it; it reads `query_timeout` from here too, which its types do not know. */
interface PgQuery extends QueryConfig {
  query_timeout?: number;
}

async function rowsOf<Row>(client: PoolClient, query: PgQuery): Promise<Row[]> {
  try {
    const { rows } = await client.query(query);
    return rows as Row[];
  } catch (error) {
    throw storeError(error);
  }
}
