import { closeSync, mkdirSync, openSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { type ProcessIdentity, stillRuns, thisProcess } from './process-identity';

/** How often a holder shows that it lives to those who cannot see its process, in ms. */
const SIGN_OF_LIFE_MS = 5_000;
/** After how long without one a holder elsewhere counts as gone, in ms: several signs of life. */
const GONE_AFTER_MS = 20_000;

/** Another process uses the data directory. Not temporary: the operator started a second one, or meant another directory. */
export class DirectoryLocked extends Error {
  override readonly name = 'DirectoryLocked';
  constructor(
    readonly directory: string,
    readonly pid: number,
  ) {
    super(
      `the data directory ${directory} is in use by the process ${pid}. Two processes on one directory destroy it: ` +
        'stop that one, or give this one another DATA_DIR.',
    );
  }
}

/**
 * Makes this process the only user of a directory, or throws {@link DirectoryLocked}. Gives the function that ends it.
 *
 * Everyone puts up a file named after itself (pid, start time, boot) and then looks for others: of two that come at
 * once at least one sees the other, so never both go on. Nobody ever has to remove a file that a living process
 * might own, which is where a single lock file that changes hands goes wrong. A killed process leaves its file;
 * whoever looks next sees that no such process runs (a recycled pid has another start time) and clears it away.
 */
export function lockDirectory(directory: string): () => void {
  const folder = join(directory, 'locks');
  mkdirSync(folder, { recursive: true });
  const self = thisProcess();
  const own = join(folder, fileName(self));
  try {
    closeSync(openSync(own, 'wx'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw new DirectoryLocked(directory, self.pid);
    throw error;
  }
  try {
    for (const file of readdirSync(folder)) {
      const other = ownerOf(file);
      const path = join(folder, file);
      if (!other || path === own) continue;
      if (stillRuns(other) ?? showsLife(path)) throw new DirectoryLocked(directory, other.pid);
      rmSync(path, { force: true });
    }
  } catch (error) {
    rmSync(own, { force: true });
    throw error;
  }
  const sign = setInterval(() => touch(own), SIGN_OF_LIFE_MS);
  sign.unref();
  return () => {
    clearInterval(sign);
    rmSync(own, { force: true });
  };
}

const fileName = ({ pid, start, realm }: ProcessIdentity): string => `${pid}.${start}.${realm}`;

function ownerOf(file: string): ProcessIdentity | null {
  const [, pid, start, realm] = /^(\d+)\.(\d+)\.(.+)$/.exec(file) ?? [];
  return pid && start && realm ? { pid: Number(pid), start, realm } : null;
}

function showsLife(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat !== undefined && Date.now() - stat.mtimeMs < GONE_AFTER_MS;
}

function touch(path: string): void {
  const now = new Date();
  try {
    utimesSync(path, now, now);
  } catch (error) {
    // Somebody deleted the directory under a running process. Its database has worse problems than this sign.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
