import { readFileSync } from 'node:fs';
import { childrenOf } from './cpu';

/** Resident memory by role of the server process, in bytes. */
export type RssByRole = Record<string, number>;

export function readRss(pids: Record<string, number[]>): RssByRole {
  const rss: RssByRole = {};
  for (const [role, roots] of Object.entries(pids)) {
    rss[role] = roots.reduce((sum, pid) => sum + treeRss(pid), 0);
  }
  return rss;
}

function treeRss(pid: number): number {
  const own = readFileSync(`/proc/${pid}/status`, 'utf8').match(/^VmRSS:\s+(\d+) kB$/m);
  return Number(own?.[1] ?? 0) * 1_024 + childrenOf(pid).reduce((sum, child) => sum + treeRss(child), 0);
}

/** Samples resident memory until stopped, and keeps the first and the largest value of each role. */
export class RssSampler {
  readonly first: RssByRole;
  readonly peak: RssByRole;
  readonly #timer: NodeJS.Timeout;

  constructor(pids: Record<string, number[]>, everyMs: number) {
    this.first = readRss(pids);
    this.peak = { ...this.first };
    this.#timer = setInterval(() => {
      for (const [role, bytes] of Object.entries(readRss(pids))) {
        if (bytes > (this.peak[role] ?? 0)) this.peak[role] = bytes;
      }
    }, everyMs);
  }

  /** Ends the sampling; returns how far each role rose above its first value, in bytes. */
  stop(): RssByRole {
    clearInterval(this.#timer);
    const growth: RssByRole = {};
    for (const [role, bytes] of Object.entries(this.peak)) growth[role] = bytes - (this.first[role] ?? 0);
    return growth;
  }
}
