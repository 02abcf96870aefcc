import type { Database } from '../database';
import { openPglite } from '../open-pglite';
import { openPostgres } from '../open-postgres';

const DATA_DIR_DEFAULT = './data';
const TIMEOUT_MS = 10_000;

/** Runs one job on the database that the environment names, and ends the process with 1 when it fails. */
export async function withDatabase(done: string, job: (db: Database) => Promise<void>): Promise<void> {
  try {
    const db = await open();
    try {
      await job(db);
    } finally {
      await db.close();
    }
    process.stdout.write(`${done}\n`);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}

/** Empty is unset, as everywhere. */
function open(): Promise<Database> {
  const { DATABASE_URL: url, DATA_DIR: dataDir } = process.env;
  return url
    ? openPostgres({ url, poolMax: 1, timeoutMs: TIMEOUT_MS })
    : openPglite({ dataDir: dataDir || DATA_DIR_DEFAULT });
}
