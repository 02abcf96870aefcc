import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Statement } from './sql';

/** Where this library's `.sql` files are, from the repository's root. */
const SOURCE = 'libs/adapters-postgres/src';

/**
 * Finds the folder with the `.sql` files: the source folder of this library, in the repository (or image) above.
 * The build compiles `.ts` files and copies nothing, so compiled code reads the same files as the sources do.
 */
function sqlFolder(): string {
  for (let dir = __dirname; ; dir = dirname(dir)) {
    const folder = join(dir, SOURCE);
    if (existsSync(join(dir, 'package.json')) && existsSync(join(folder, 'migrations'))) return folder;
    if (dir === dirname(dir)) throw new Error(`${SOURCE} with its .sql files is not above ${__dirname}`);
  }
}

/** Reads `queries/<name>.sql`. For module scope: a missing file stops the start, not a request. */
export function statement(name: string): Statement {
  return { name: `troupe-${name}`, text: readFileSync(join(sqlFolder(), 'queries', `${name}.sql`), 'utf8') };
}

/** A numbered file of `migrations/`. */
export interface MigrationFile {
  version: number;
  name: string;
  text: string;
}

const MIGRATION_NAME = /^(\d{4})-([a-z0-9-]+)\.sql$/;

/** Reads all migrations, in order. Throws when a number is missing, doubled or not a number. */
export function migrationFiles(): MigrationFile[] {
  const folder = join(sqlFolder(), 'migrations');
  return readdirSync(folder)
    .sort()
    .map((file, i) => {
      const [, version, name] = MIGRATION_NAME.exec(file) ?? [];
      if (version === undefined || name === undefined || Number(version) !== i + 1) {
        throw new Error(`migrations/${file} should be number ${i + 1}, named NNNN-what-it-does.sql`);
      }
      return { version: i + 1, name, text: readFileSync(join(folder, file), 'utf8') };
    });
}
