import { readdirSync, readFileSync } from 'node:fs';

/** CPU milliseconds by role of the server process. */
export type CpuByRole = Record<string, number>;

/** The kernel's clock tick for /proc, which is 100 Hz on every Linux that Node runs on. */
const TICK_MS = 10;

/** User plus system time of the given processes and all of their children, in milliseconds. */
export function readCpu(pids: Record<string, number[]>): CpuByRole {
  const cpu: CpuByRole = {};
  for (const [role, roots] of Object.entries(pids)) {
    cpu[role] = roots.reduce((sum, pid) => sum + treeCpuMs(pid), 0);
  }
  return cpu;
}

export function cpuSince(before: CpuByRole, after: CpuByRole): CpuByRole {
  const spent: CpuByRole = {};
  for (const [role, ms] of Object.entries(after)) spent[role] = ms - (before[role] ?? 0);
  return spent;
}

export function totalCpu(cpu: CpuByRole): number {
  return Object.values(cpu).reduce((sum, ms) => sum + ms, 0);
}

/** A child that has ended is in its parent's `cutime`, so the sum over a tree never goes back. */
function treeCpuMs(pid: number): number {
  const children = childrenOf(pid);
  return processCpuMs(pid) + children.reduce((sum, child) => sum + treeCpuMs(child), 0);
}

function processCpuMs(pid: number): number {
  const stat = readProc(`/proc/${pid}/stat`);
  if (stat === undefined) return 0;
  // The command may hold spaces and brackets; the fields start after its last bracket, at field 3.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = [11, 12, 13, 14].reduce((sum, i) => sum + Number(fields[i] ?? 0), 0);
  return ticks * TICK_MS;
}

export function childrenOf(pid: number): number[] {
  let tasks: string[];
  try {
    tasks = readdirSync(`/proc/${pid}/task`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  return tasks.flatMap((task) => {
    const children = readProc(`/proc/${pid}/task/${task}/children`);
    return children === undefined ? [] : children.split(' ').filter(Boolean).map(Number);
  });
}

/** A process may end between two reads; then it has no more to tell. */
function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}
