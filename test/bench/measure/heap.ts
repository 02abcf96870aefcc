import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { untilSucceeds } from '@troupe/testing';
import { temporaryDir } from '../temp-dir';

const COLLECT_MS_MAX = 20_000;

let dir: string | undefined;

/** Where servers that were started with the hook write their memory, one file for each process. */
export function memoryDir(): string {
  dir ??= temporaryDir();
  return dir;
}

/** Has a Node process collect its garbage, and tells what it uses afterwards, in bytes. */
export async function collectAndRead(pid: number): Promise<NodeJS.MemoryUsage> {
  const file = join(memoryDir(), `${pid}.json`);
  rmSync(file, { force: true });
  process.kill(pid, 'SIGUSR2');
  let usage: NodeJS.MemoryUsage | undefined;
  await untilSucceeds(`garbage collection of ${pid}`, { deadlineMs: COLLECT_MS_MAX }, () => {
    usage = JSON.parse(readFileSync(file, 'utf8')) as NodeJS.MemoryUsage;
    return Promise.resolve();
  });
  if (usage === undefined) throw new Error(`${pid} told nothing`);
  return usage;
}
