import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Client } from 'pg';
import { requireDirectoryWith } from './server-programs';
import { type TestServer, runInServerDir, startTestServer } from './test-server';
import { unprivilegedUser } from './unprivileged-user';

const CONNECT_MS_MAX = 5_000;
const QUERY_MS_MAX = 20_000;

export interface PostgresOptions {
  /** Default true. False is quicker: commits survive a killed server, not a power cut. */
  fsync?: boolean;
  /** Further settings by Postgres's own names: `{ max_connections: '20' }`. */
  settings?: Record<string, string>;
}

/** Starts a Postgres with a new, empty cluster (UTF-8, C locale, superuser `postgres`, no password). */
export function startPostgres(options: PostgresOptions = {}): Promise<TestServer> {
  const bin = requireDirectoryWith(['postgres', 'initdb']);
  const user = unprivilegedUser();
  const fsync = options.fsync ?? true;
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    ...(fsync ? {} : { fsync: 'off', full_page_writes: 'off' }),
    ...options.settings,
  };
  const dataDir = (dir: string): string => join(dir, 'data');
  const url = (port: number): string => `postgres://postgres@127.0.0.1:${port}/postgres`;
  return startTestServer({
    kind: 'postgres',
    user,
    stopSignal: 'SIGINT',
    // An immediate shutdown: also frees the shared memory, which SIGKILL would leave to the system.
    quitSignal: 'SIGQUIT',
    prepare: (dir) =>
      runInServerDir(
        { dir, user },
        {
          program: join(bin, 'initdb'),
          args: [
            ...['-D', dataDir(dir), '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-locale'],
            ...['--no-instructions', ...(fsync ? [] : ['--no-sync'])],
          ],
        },
      ),
    command: ({ dir, port, name }) => ({
      program: join(bin, 'postgres'),
      args: [
        ...['-D', dataDir(dir), '-p', `${port}`],
        ...Object.entries({ ...settings, cluster_name: name }).flatMap(([key, value]) => [
          '-c',
          `${key}=${value}`,
        ]),
      ],
    }),
    url,
    probe: async ({ port, name }) => {
      const [row] = await query(url(port), "select current_setting('cluster_name') as name");
      if (row?.['name'] !== name) throw new Error(`another server's name: ${String(row?.['name'])}`);
    },
  });
}

/** Makes an empty, uniquely named database in a running server, and gives its URL. It goes with the server. */
export async function createDatabase(postgresUrl: string): Promise<string> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await query(postgresUrl, `create database ${name}`);
  const url = new URL(postgresUrl);
  url.pathname = `/${name}`;
  return url.href;
}

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_MS_MAX,
    query_timeout: QUERY_MS_MAX,
  });
  // Whatever breaks the connection also rejects the call below; unheard, it would end the process.
  const failures: Error[] = [];
  client.on('error', (error) => failures.push(error));
  try {
    await client.connect();
    const { rows } = await client.query<Record<string, unknown>>(sql);
    return rows;
  } finally {
    await client.end();
  }
}
