import type { PGlite } from '@electric-sql/pglite';
import { loadPglite } from './load-pglite';
import type { SqlParam, Statement } from './sql';

/**
 * Prepared statements on PGlite.
 *
 * Its own `query` parses and plans at each call, in five round trips into WebAssembly; for the statements that run all
 * the time that is most of the cost. Here a statement is parsed once, and each call after that is one round trip. The caller sees to
 * it that nothing else runs on the connection meanwhile: the protocol calls bypass PGlite's own locks.
 */
export class PreparedStatements {
  private readonly prepared = new Set<string>();

  constructor(private readonly db: PGlite) {}

  async run<Row>(statement: Statement, params: readonly SqlParam[]): Promise<Row[]> {
    const { protocol, parse } = loadPglite();
    const { serialize } = protocol;
    const { name, text } = statement;
    if (!this.prepared.has(name)) {
      // By itself: a statement whose first execution fails is prepared all the same, and cannot be prepared again.
      await this.db.execProtocol(Buffer.concat([serialize.parse({ name, text }), serialize.sync()]), {
        throwOnError: true,
      });
      this.prepared.add(name);
    }
    const values = params.map(textOf);
    const request = Buffer.concat([
      serialize.bind({ statement: name, values }),
      serialize.describe({ type: 'P' }),
      serialize.execute({}),
      serialize.sync(),
    ]);
    const { messages } = await this.db.execProtocol(request, { throwOnError: true });
    const [results] = parse.parseResults(messages, this.db.parsers);
    return (results?.rows ?? []) as Row[];
  }
}

/** A parameter in Postgres's text format; the statement casts it. */
function textOf(param: SqlParam): string | null {
  if (param === null) return null;
  return typeof param === 'object' ? arrayText(param) : String(param);
}

/** Array input syntax (Postgres manual, section 8.15): every element quoted, so that none can be read as NULL or a brace. */
function arrayText(items: readonly (string | number | null)[]): string {
  return `{${items.map(elementText).join(',')}}`;
}

function elementText(item: string | number | null): string {
  if (item === null) return 'NULL';
  if (typeof item === 'number') return String(item);
  return `"${item.replace(/[\\"]/g, '\\$&')}"`;
}
