/**
 * A planner setting for every connection. A page of history walks the index in order and stops after the page. For a
 * long room that statistics take for a short one, a bitmap would collect the whole room first and then sort it.
 */
export const PLANNER = 'enable_bitmapscan=off';

/** What a statement's parameter may be. JSON and times travel as text, and are cast in the statement. */
export type SqlParam = string | number | boolean | null | readonly (string | number | null)[];

/** A statement that is prepared once per connection, under its name. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/**
 * One database, through one path of connections.
 *
 * Rows come back with `bigint` and `count(*)` as numbers, `json` parsed, `uuid` as text. Rejects with
 * `StoreUnavailable` when the database cannot be reached or does not answer in time (the outcome of a write is then
 * unknown), and with {@link SqlFailure} when it refuses the statement (nothing was written).
 */
export interface Sql {
  /** Runs one statement in a transaction of its own. */
  query<Row>(statement: Statement, params?: readonly SqlParam[]): Promise<Row[]>;
  /** Runs `action` in one transaction: all of it is committed, or nothing when it rejects. */
  transaction<T>(action: (tx: SqlTransaction) => Promise<T>, options: { timeoutMs: number }): Promise<T>;
  /** Lets statements under way finish and disconnects. Idempotent. */
  close(): Promise<void>;
}

export interface SqlTransaction {
  query<Row>(text: string, params?: readonly SqlParam[]): Promise<Row[]>;
  /** Runs several statements, separated by semicolons, without parameters. */
  script(text: string): Promise<void>;
}
