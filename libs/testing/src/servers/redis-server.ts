import { join } from 'node:path';
import { askLoopback } from './ask-loopback';
import { requireDirectoryWith } from './server-programs';
import { type TestServer, startTestServer } from './test-server';

export interface RedisOptions {
  /** Default true: every write is in the append-only file before its reply, so a killed server restarts with it. */
  persistent?: boolean;
  /** Further settings by redis-server's own names: `{ maxmemory: '1mb' }`. */
  settings?: Record<string, string>;
}

/** Starts a redis-server. */
export function startRedis(options: RedisOptions = {}): Promise<TestServer> {
  const program = join(requireDirectoryWith(['redis-server']), 'redis-server');
  const settings = {
    bind: '127.0.0.1',
    save: '',
    appendonly: (options.persistent ?? true) ? 'yes' : 'no',
    ...options.settings,
  };
  return startTestServer({
    kind: 'redis',
    user: null,
    stopSignal: 'SIGTERM',
    quitSignal: 'SIGKILL',
    command: ({ dir, port }) => ({
      program,
      args: Object.entries({ ...settings, port: `${port}`, dir }).flatMap(([name, value]) => [
        `--${name}`,
        value,
      ]),
    }),
    url: (port) => `redis://127.0.0.1:${port}`,
    probe: async ({ port, pid }) => {
      const isWhole = (answer: string): boolean =>
        /process_id:\d+\r\n/.test(answer) || answer.startsWith('-');
      const answer = await askLoopback(port, 'PING\r\nINFO server\r\n', isWhole);
      if (!answer.startsWith('+PONG\r\n') || !answer.includes(`process_id:${pid}\r\n`)) {
        throw new Error(`another answer than our own server's: ${answer.slice(0, 200)}`);
      }
    },
  });
}
