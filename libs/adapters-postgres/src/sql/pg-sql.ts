import { StoreUnavailable } from '@troupe/ports';
import { Pool, type PoolClient, types } from 'pg';
import type { Reachability } from './reachability';
import type { Sql, SqlParam, SqlTransaction, Statement } from './sql';
import { storeError } from './sql-failure';

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
      types: rowTypes,
    });
    // An idle connection that breaks is the first sign of a database that went away.
    this.pool.on('error', () => this.reachability.failed());
    // One that breaks while in use also rejects its statement; unheard, its event would end the process.
    this.pool.on('connect', (client) => client.on('error', () => this.reachability.failed()));
  }

  async query<Row>(statement: Statement, params: readonly SqlParam[] = []): Promise<Row[]> {
    return this.withClient(async (client) => {
      const { rows } = await client.query({
        name: statement.name,
        text: statement.text,
        values: [...params],
      });
      return rows as Row[];
    });
  }

  async transaction<T>(
    action: (tx: SqlTransaction) => Promise<T>,
    { timeoutMs }: { timeoutMs: number },
  ): Promise<T> {
    return this.withClient(async (client) => {
      // The driver reads query_timeout from each statement too; its types do not know.
      const run = (text: string, values?: SqlParam[]) =>
        client.query({ text, ...(values ? { values } : {}), query_timeout: timeoutMs + CLIENT_GRACE_MS } as {
          text: string;
          values?: SqlParam[];
        });
      await run(
        `BEGIN; SET LOCAL statement_timeout = ${Math.ceil(timeoutMs)}; SET LOCAL lock_timeout = ${Math.ceil(timeoutMs)}`,
      );
      try {
        const result = await action({
          query: async <Row>(text: string, params: readonly SqlParam[] = []) =>
            (await run(text, [...params])).rows as Row[],
          script: async (text) => void (await run(text)),
        });
        await run('COMMIT');
        return result;
      } catch (error) {
        // When this fails as well, the connection is given up, and the server rolls back by itself.
        await run('ROLLBACK').catch((failure: unknown) => {
          throw new StoreUnavailable('the database does not answer', { cause: storeError(failure) });
        });
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
      const reason = this.noticed(storeError(error));
      // A refused statement leaves a good connection; after anything else nobody knows what it is in the middle of.
      client.release(!('sqlState' in reason));
      throw reason;
    }
  }

  private noticed(error: Error): Error {
    if (error instanceof StoreUnavailable) this.reachability.failed();
    else if ('sqlState' in error) this.reachability.answered();
    return error;
  }
}
