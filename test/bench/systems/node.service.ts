import { join } from 'node:path';
import { type ServiceProcess, spawnService } from '@troupe/testing';
import { memoryDir } from '../measure/heap';
import type { StartOptions } from './system';

export interface NodeServiceOptions extends StartOptions {
  name: string;
  entry: string;
  env?: Record<string, string>;
  readyPattern?: RegExp;
}

/** Starts a Node program with the flags that all measured programs get alike. */
export function startNodeService(options: NodeServiceOptions): Promise<ServiceProcess> {
  const { name, entry, env, readyPattern, gcHook } = options;
  const hook = join(__dirname, '..', 'hooks', 'gc-on-signal.js');
  return spawnService({
    name,
    entry,
    env: { ...env, ...(gcHook ? { BENCH_MEMORY_DIR: memoryDir() } : {}) },
    nodeArgs: gcHook ? ['--expose-gc', '--require', hook] : [],
    ...(readyPattern === undefined ? {} : { readyPattern }),
  });
}
