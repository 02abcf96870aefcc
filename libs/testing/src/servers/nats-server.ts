import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { askLoopback } from './ask-loopback';
import { requireDirectoryWith } from './server-programs';
import { type TestServer, startTestServer } from './test-server';

export interface NatsOptions {
  /** Lines of nats-server's own configuration, beside name and address: `write_deadline: "1s"`. */
  config?: string;
}

/** Starts a nats-server without JetStream. */
export function startNats(options: NatsOptions = {}): Promise<TestServer> {
  const program = join(requireDirectoryWith(['nats-server']), 'nats-server');
  return startTestServer({
    kind: 'nats',
    user: null,
    stopSignal: 'SIGTERM',
    quitSignal: 'SIGKILL',
    command: ({ dir, port, name }) => {
      const file = join(dir, 'nats.conf');
      writeFileSync(file, `server_name: "${name}"\nlisten: "127.0.0.1:${port}"\n${options.config ?? ''}\n`);
      return { program, args: ['-c', file] };
    },
    url: (port) => `nats://127.0.0.1:${port}`,
    probe: async ({ port, name }) => {
      // The server speaks first: INFO and a line of JSON that holds its name.
      const greeting = await askLoopback(port, '', (answer) => answer.includes('\r\n'));
      if (!greeting.startsWith('INFO ') || !greeting.includes(`"${name}"`)) {
        throw new Error(`another answer than our own server's: ${greeting.slice(0, 200)}`);
      }
    },
  });
}
