import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import {
  freePort,
  HttpClient,
  spawnService,
  type ServiceOptions,
  type ServiceProcess,
} from '@troupe/testing';

export type ServiceKind = 'gateway' | 'room-actor' | 'presence' | 'standalone';

export const entryOf = (kind: ServiceKind): string => `dist/apps/${kind}/src/main.js`;

/** Something that serves clients: a gateway, or everything in one process. */
export interface Edge {
  process: ServiceProcess;
  port: number;
  wsUrl: string;
  http: HttpClient;
}

type Options = Partial<Omit<ServiceOptions, 'env'>>;

/** Starts a service on loopback and waits until it is ready. */
export async function startService(
  kind: ServiceKind,
  env: Record<string, string>,
  options: Options = {},
): Promise<ServiceProcess> {
  return spawnService({ name: kind, entry: entryOf(kind), ...options, env: { HOST: '127.0.0.1', ...env } });
}

/** As {@link startService}, for the services that clients connect to. */
export async function startEdge(
  kind: 'gateway' | 'standalone',
  env: Record<string, string>,
  options: Options = {},
): Promise<Edge> {
  const port = await freePort();
  const process = await startService(kind, { PORT: `${port}`, ...env }, options);
  return { process, port, wsUrl: `ws://127.0.0.1:${port}/v1/ws`, http: new HttpClient(port) };
}

/** Makes the tables, as `npm run db:setup` does after its build. Rejects with what it said if it fails. */
export async function setUpDatabase(databaseUrl: string): Promise<void> {
  await promisify(execFile)(process.execPath, ['dist/libs/adapters-postgres/src/cli/setup.js'], {
    env: { PATH: process.env['PATH'], DATABASE_URL: databaseUrl },
  });
}
