import { StoreUnavailable } from '@troupe/ports';
import { TroupeError } from '@troupe/protocol';

export const UNIQUE_VIOLATION = '23505';
export const FOREIGN_KEY_VIOLATION = '23503';

/**
 * The database refused a statement: `internal` to everybody outside, and the SQLSTATE for whoever looks for the cause.
 * Never temporary, and never with a host, a parameter or a row in it.
 */
export class SqlFailure extends TroupeError {
  constructor(
    readonly sqlState: string,
    /** The violated constraint, where there is one. */
    readonly constraint: string | null,
    reason: string | null = null,
  ) {
    super(
      'internal',
      `the database refused a statement (SQLSTATE ${sqlState}${reason ? `: ${reason}` : ''})`,
    );
    this.name = 'SqlFailure';
  }
}

/**
 * SQLSTATE classes and codes that say "not now": connection (08), resources (53), operator intervention, which
 * includes statement_timeout (57), system (58), deadlock and serialisation (40), lock_timeout (55P03), idle in
 * transaction (25P03), and a standby that cannot be written to (25006).
 */
const TEMPORARY = /^(08|53|57|58|40|55P03|25P03|25006)/;

/** Classes whose messages name settings and schema, but never values: authentication, database names, syntax. */
const HARMLESS_MESSAGE = /^(28|3D|42)/;

const SQL_STATE = /^[0-9A-Z]{5}$/;

/** Turns what a driver threw into what {@link Sql} promises. Bugs (TypeError and the like) stay what they are. */
export function storeError(error: unknown): Error {
  if (error instanceof StoreUnavailable || error instanceof TroupeError) return error;
  if (error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError)
    return error;
  const { code, severity, message, constraint } = error as {
    code?: unknown;
    severity?: unknown;
    message?: unknown;
    constraint?: unknown;
  };
  const label = typeof code === 'string' ? ` (${code})` : '';
  if (typeof code !== 'string' || !SQL_STATE.test(code) || severity === undefined) {
    // What is no answer of the server: refused, reset, timed out, closed. The message may name the host.
    return new StoreUnavailable(`the database does not answer${label}`);
  }
  if (TEMPORARY.test(code)) return new StoreUnavailable(`the database cannot do it now${label}`);
  return new SqlFailure(
    code,
    typeof constraint === 'string' ? constraint : null,
    HARMLESS_MESSAGE.test(code) && typeof message === 'string' ? message : null,
  );
}
