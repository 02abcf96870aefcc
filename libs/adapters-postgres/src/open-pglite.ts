import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Database, databaseOver } from './database';
import { lockDirectory } from './embedded/directory-lock';
import { PgliteSql } from './sql/pglite-sql';

/** What `dataDir` is for a database that nothing is kept of. */
export const IN_MEMORY = ':memory:';

/**
 * Opens (or makes) the embedded database under `dataDir`, as its only user.
 * Rejects with `DirectoryLocked` when another process, or this one, has it open.
 */
export async function openPglite({ dataDir }: { dataDir: string }): Promise<Database> {
  if (dataDir === IN_MEMORY) return over(await PgliteSql.open(null), () => undefined);
  const directory = resolve(dataDir);
  mkdirSync(directory, { recursive: true });
  const unlock = lockDirectory(directory);
  try {
    return over(await PgliteSql.open(join(directory, 'pglite')), unlock);
  } catch (error) {
    unlock();
    throw error;
  }
}

function over(sql: PgliteSql, unlock: () => void): Database {
  return databaseOver(
    { work: sql, leases: sql },
    {
      up: () => sql.up,
      close: async () => {
        // Whatever closing says, this process writes no more.
        await sql.close().finally(unlock);
      },
    },
  );
}
