import { accessSync, constants, readdirSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where distributions put servers that they do not put on everybody's PATH. */
const USUAL_DIRECTORIES = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/opt/homebrew/bin'];
/** Directories with one folder per installed version; the newest is taken. */
const POSTGRES_VERSIONS = [
  { parent: '/usr/lib/postgresql', bin: 'bin' },
  { parent: '/usr/libexec', bin: '' },
];

/**
 * Finds the first directory that holds all the programs, as an absolute path; null if none does.
 *
 * Looks where `test/setup/ensure-servers.mjs` looks (a test compares the two): `TROUPE_SERVER_PATHS` alone where it is
 * set, else PATH and the usual places.
 */
export function directoryWith(programs: readonly string[]): string | null {
  return searched().find((dir) => programs.every((program) => isExecutable(join(dir, program)))) ?? null;
}

/** As {@link directoryWith}, for servers that cannot start without it: throws with what to run. */
export function requireDirectoryWith(programs: readonly string[]): string {
  const dir = directoryWith(programs);
  if (dir !== null) return dir;
  throw new Error(`${programs.join(' and ')} not found; run: node test/setup/ensure-servers.mjs`);
}

function searched(): string[] {
  const override = process.env['TROUPE_SERVER_PATHS'];
  if (override !== undefined) return directories(override);
  return [...directories(process.env['PATH'] ?? ''), ...USUAL_DIRECTORIES, ...postgresDirectories()];
}

/** An empty entry would mean the working directory: not a place to take servers from. */
function directories(list: string): string[] {
  return list.split(delimiter).filter((dir) => dir.startsWith('/'));
}

function postgresDirectories(): string[] {
  return POSTGRES_VERSIONS.flatMap(({ parent, bin }) =>
    entries(parent)
      .map((name) => ({ name, version: Number(/^(?:postgresql)?(\d+)/.exec(name)?.[1] ?? Number.NaN) }))
      .filter(({ version }) => !Number.isNaN(version))
      .sort((a, b) => b.version - a.version)
      .map(({ name }) => join(parent, name, bin)),
  );
}

function entries(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    // Whatever the reason (not there, not ours to run), it is of no use here.
    return false;
  }
}
