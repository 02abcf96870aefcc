import type { PGlite, Transaction } from '@electric-sql/pglite';
import { StoreUnavailable } from '@troupe/ports';
import { loadPglite } from './load-pglite';
import { PreparedStatements } from './pglite-prepared';
import { PLANNER, type Sql, type SqlParam, type SqlTransaction, type Statement } from './sql';
import { storeError } from './sql-failure';

/** How many statements may wait for the one connection. */
const WAITING_MAX = 1_000;

/**
 * {@link Sql} over PGlite: Postgres inside this process, with one connection.
 * Statements run one after the other, and each blocks the process while it runs; there are no timeouts to set.
 * What was committed survives a killed process, not a power cut.
 */
export class PgliteSql implements Sql {
  private waiting = 0;
  private closing: Promise<void> | undefined;

  private last: Promise<void> = Promise.resolve();
  private readonly prepared: PreparedStatements;

  private constructor(private readonly db: PGlite) {
    this.prepared = new PreparedStatements(db);
  }

  /** Opens (or makes) a database in `folder`; null: in memory. */
  static async open(folder: string | null): Promise<PgliteSql> {
    const { PGlite: Pglite, types } = loadPglite();
    const parsers = { [types.INT8]: Number };
    const db = await Pglite.create(folder ?? 'memory://', { parsers });
    await db.exec(`SET ${PLANNER}`);
    return new PgliteSql(db);
  }

  get up(): boolean {
    return this.db.ready && !this.db.closed;
  }

  query<Row>(statement: Statement, params: readonly SqlParam[] = []): Promise<Row[]> {
    return this.turn(() => mapped(this.prepared.run<Row>(statement, params)));
  }

  transaction<T>(action: (tx: SqlTransaction) => Promise<T>): Promise<T> {
    return this.turn(async () => {
      let thrown: unknown;
      const noted = async (tx: Transaction): Promise<T> => {
        try {
          return await action(transactionOver(tx));
        } catch (error) {
          thrown = error;
          throw error;
        }
      };
      try {
        return await this.db.transaction(noted);
      } catch (error) {
        // What the action threw is its caller's business; what began or ended the transaction is the driver's.
        throw error === thrown ? error : storeError(error);
      }
    });
  }

  close(): Promise<void> {
    this.closing ??= this.last.then(() => (this.db.closed ? undefined : this.db.close()));
    return this.closing;
  }

  /** One after the other: prepared statements do not take PGlite's own locks. */
  private async turn<T>(action: () => Promise<T>): Promise<T> {
    if (this.closing) throw new StoreUnavailable('the database is closed');
    if (this.waiting >= WAITING_MAX) throw new StoreUnavailable('too many statements wait for the database');
    this.waiting++;
    const turn = this.last.then(action);
    this.last = turn.then(noop, noop);
    try {
      return await turn;
    } finally {
      this.waiting--;
    }
  }
}

function transactionOver(tx: Transaction): SqlTransaction {
  return {
    query: async <Row>(text: string, params: readonly SqlParam[] = []) =>
      (await mapped(tx.query<Row>(text, [...params]))).rows,
    script: async (text) => void (await mapped(tx.exec(text))),
  };
}

const noop = (): void => undefined;

async function mapped<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw storeError(error);
  }
}
