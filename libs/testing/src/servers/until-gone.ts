import { existsSync } from 'node:fs';
import { readIfThere } from './process-tree';
import { untilSucceeds } from './until';

/** Resolves when the process has ended; throws after the deadline. */
export async function untilGone(pid: number, deadlineMs = 30_000): Promise<void> {
  await untilSucceeds(`the end of process ${pid}`, { deadlineMs }, () => {
    if (isAlive(pid)) throw new Error('it is still there');
  });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: alive, and another user's.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
  if (!existsSync('/proc/self/stat')) return true;
  const stat = readIfThere(`/proc/${pid}/stat`);
  // A zombie has ended; only its new parent, which may take its time, has not yet asked how.
  return stat !== null && stat[stat.lastIndexOf(')') + 2] !== 'Z';
}
