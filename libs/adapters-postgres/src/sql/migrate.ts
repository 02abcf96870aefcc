import { createHash } from 'node:crypto';
import type { Sql, SqlTransaction } from './sql';
import { type MigrationFile, migrationFiles } from './sql-files';

/** How long all migrations together may take, waiting for another pod's included, in ms. */
const MIGRATION_MS_MAX = 120_000;
/** The advisory lock under which one pod migrates at a time: 'trou' in ASCII. */
const LOCK_KEY = 0x74726f75;

/** The database's schema and this code's do not fit. Somebody has to decide; nothing was changed. */
export class SchemaMismatch extends Error {
  override readonly name = 'SchemaMismatch';
}

interface Applied {
  version: number;
  name: string;
  checksum: string;
}

const checksumOf = (file: MigrationFile): string => createHash('sha256').update(file.text).digest('hex');

/**
 * Brings the database to this code's schema: all missing migrations in one transaction, forward only.
 *
 * Pods that start at once wait for each other. Where nothing is missing nothing is written, so that a role without
 * the right to change the schema can start. Rejects with {@link SchemaMismatch} when the database is newer than the
 * code, or a migration that was applied has since been edited.
 */
export async function migrate(sql: Sql, files: readonly MigrationFile[] = migrationFiles()): Promise<void> {
  await sql.transaction(
    async (tx) => {
      if (missing(await applied(tx), files).length === 0) return;
      await tx.query('SELECT pg_advisory_xact_lock($1)', [LOCK_KEY]);
      await tx.script(
        `CREATE TABLE IF NOT EXISTS schema_migrations (
          version integer PRIMARY KEY,
          name text NOT NULL,
          checksum text NOT NULL,
          applied_at timestamptz NOT NULL DEFAULT now()
        )`,
      );
      // Again: another pod may have done it all while this one waited.
      for (const file of missing(await applied(tx), files)) {
        await tx.script(file.text);
        await tx.query('INSERT INTO schema_migrations (version, name, checksum) VALUES ($1, $2, $3)', [
          file.version,
          file.name,
          checksumOf(file),
        ]);
      }
    },
    { timeoutMs: MIGRATION_MS_MAX },
  );
}

async function applied(tx: SqlTransaction): Promise<Applied[]> {
  const [table] = await tx.query<{ present: boolean }>(
    "SELECT to_regclass('schema_migrations') IS NOT NULL AS present",
  );
  if (!table?.present) return [];
  return tx.query<Applied>('SELECT version, name, checksum FROM schema_migrations ORDER BY version');
}

function missing(rows: readonly Applied[], files: readonly MigrationFile[]): MigrationFile[] {
  const newest = rows.at(-1);
  if (newest && newest.version > files.length) {
    throw new SchemaMismatch(
      `the database is newer than this program: it has migration ${newest.version} (${newest.name}), ` +
        `this program knows ${files.length}. Start a newer version; there is no way back.`,
    );
  }
  const done = new Map(rows.map((row) => [row.version, row]));
  return files.filter((file) => {
    const row = done.get(file.version);
    if (row && row.checksum !== checksumOf(file)) {
      throw new SchemaMismatch(
        `migration ${file.version} (${row.name}) was applied to the database with another text than this program has. ` +
          'Migrations are never edited: undo the edit, and put the change into a new one.',
      );
    }
    return !row;
  });
}
