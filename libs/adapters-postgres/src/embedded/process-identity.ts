import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** One run of one process, as far as the system lets it be told from others. */
export interface ProcessIdentity {
  pid: number;
  /** When it started, in the kernel's ticks since boot; '0' where the system does not say. */
  start: string;
  /** Where the pid counts: this boot and this pid namespace. */
  realm: string;
}

/** Where pids mean the same as here. Containers on one machine, and the same machine after a reboot, differ. */
function realmHere(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const namespace = readlinkSync('/proc/self/ns/pid').replace(/\D/g, '');
    return `${boot}.${namespace}`;
  } catch {
    // Not Linux: the host's name is the best there is.
    return hostname().replace(/[^A-Za-z0-9-]/g, '-');
  }
}

/** Start time and liveness of a process here; null if there is none, or only its unburied remains. */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in parentheses and may hold anything; count from its end.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? null : (fields[19] ?? '0');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  try {
    readFileSync('/proc/self/stat');
    return null;
  } catch {
    // No /proc at all: ask with the null signal, and do without the start time.
  }
  try {
    process.kill(pid, 0);
    return '0';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' ? '0' : null;
  }
}

/** The process that has this pid here now; null if there is none. */
export function identityOf(pid: number): ProcessIdentity | null {
  const start = startOf(pid);
  return start === null ? null : { pid, start, realm: realmHere() };
}

export function thisProcess(): ProcessIdentity {
  return identityOf(process.pid) ?? { pid: process.pid, start: '0', realm: realmHere() };
}

/** Tells whether that very process still runs (a later one with its pid does not count), or null if it ran elsewhere. */
export function stillRuns(other: ProcessIdentity): boolean | null {
  return other.realm === realmHere() ? startOf(other.pid) === other.start : null;
}
