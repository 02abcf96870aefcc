import { setTimeout as sleep } from 'node:timers/promises';
import { Generator } from './generator/generator.handle';
import { collectAndRead } from './measure/heap';
import type { BenchOptions } from './options';
import { TEXT_BYTES } from './scenarios';
import { type RunningSystem, type SystemName, startSystem } from './systems';

/** What an idle session costs the process that holds its socket. */
export interface IdleResult {
  system: SystemName;
  role: string;
  sessions: number;
  /** Growth of resident memory by session after a collection, in bytes. */
  rssBytes: number;
  /** The same of V8's heap in use and of what it holds outside, in bytes. */
  heapBytes: number;
}

/** Who holds the sockets in each system that is looked at. */
const EDGE_ROLE: Partial<Record<SystemName, string>> = {
  'ws-loop': 'node',
  socketio: 'node',
  'troupe-embedded': 'standalone',
  'troupe-distributed': 'gateway',
};

/** Those that a quick run has time for. */
const QUICK: readonly SystemName[] = ['ws-loop', 'troupe-distributed'];

/** Sessions that come and go before the count starts, so that code and pools are there already. */
const REHEARSAL = 500;
const settleMs = (options: BenchOptions): number => (options.quick ? 1_000 : 3_000);
const CONNECT_MS_MAX = 120_000;

/** Memory of idle sessions, all in one room. Each system is started afresh and alone. */
export async function idleBench(
  options: BenchOptions,
  say: (line: string) => void,
): Promise<{ results: IdleResult[]; failures: string[] }> {
  say(`${options.idleSessions} idle sessions`);
  const results: IdleResult[] = [];
  const failures: string[] = [];
  for (const name of options.systems) {
    const role = EDGE_ROLE[name];
    if (role === undefined || (options.quick && !QUICK.includes(name))) continue;
    let system: RunningSystem | undefined;
    try {
      system = await startSystem[name]({ gcHook: true, settings: options.settings });
      const result = await measure(system, role, options);
      results.push(result);
      say(
        `  ${name} (${role}): ${kib(result.rssBytes)} KiB of RSS, ${kib(result.heapBytes)} KiB of heap a session`,
      );
    } catch (error) {
      failures.push(`${name}, idle: ${(error as Error).message}`);
      say(`  ${failures.at(-1)}`);
    } finally {
      await system?.stop();
    }
  }
  return { results, failures };
}

async function measure(system: RunningSystem, role: string, options: BenchOptions): Promise<IdleResult> {
  const sessions = options.idleSessions;
  const pid = system.pids[role]?.[0];
  if (pid === undefined) throw new Error(`${system.name} has no ${role}`);
  const access = await system.prepare({ rooms: 1, membersPerRoom: sessions });
  const plan = { ...access, rooms: 1, publishersPerRoom: 1, textBytes: TEXT_BYTES };
  const rehearsal = new Generator();
  await rehearsal.connect({ ...plan, membersPerRoom: REHEARSAL }).finally(() => rehearsal.close());
  await sleep(settleMs(options));
  const before = await collectAndRead(pid);
  const generator = new Generator();
  try {
    await generator.connect({ ...plan, membersPerRoom: sessions }, CONNECT_MS_MAX);
    await sleep(settleMs(options));
    const after = await collectAndRead(pid);
    const heap = (m: NodeJS.MemoryUsage): number => m.heapUsed + m.external;
    return {
      system: system.name,
      role,
      sessions,
      rssBytes: (after.rss - before.rss) / sessions,
      heapBytes: (heap(after) - heap(before)) / sessions,
    };
  } finally {
    await generator.close();
  }
}

export function kib(bytes: number): string {
  return (bytes / 1_024).toFixed(1);
}
