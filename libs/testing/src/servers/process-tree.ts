import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';

/** A process and all of its descendants, parents first; `[pid]` alone if it has none. One look, not a snapshot. */
export function processTree(pid: number): number[] {
  const childrenOf = new Map<number, number[]>();
  for (const [child, parent] of existsSync('/proc/self/stat') ? parentsFromProc() : parentsFromPs()) {
    childrenOf.set(parent, [...(childrenOf.get(parent) ?? []), child]);
  }
  const tree = [pid];
  // The list grows while it is walked, one generation after the other.
  for (const member of tree) tree.push(...(childrenOf.get(member) ?? []));
  return tree;
}

/** Slim images have no `ps`. */
function parentsFromProc(): [number, number][] {
  const pairs: [number, number][] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = readIfThere(`/proc/${name}/stat`);
    if (stat === null) continue;
    // pid (command) state ppid …: the command may hold spaces and brackets of its own.
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    pairs.push([Number(name), parent]);
  }
  return pairs;
}

/** A file under /proc; null when its process has ended meanwhile. */
export function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return null;
    throw error;
  }
}

function parentsFromPs(): [number, number][] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n');
  return lines.map((line) => {
    const [child, parent] = line.trim().split(/\s+/).map(Number);
    return [child ?? 0, parent ?? 0];
  });
}
