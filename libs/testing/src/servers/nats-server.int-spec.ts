import { connect } from 'nats';
import { existsSync } from 'node:fs';
import { startNats } from './nats-server';
import type { TestServer } from './test-server';
import { untilGone } from './until-gone';

jest.setTimeout(60_000);

describe('startNats', () => {
  let server: TestServer;
  beforeEach(async () => {
    server = await startNats({ config: 'max_payload: 4096' });
  });
  afterEach(() => server.stop());

  const echo = async (text: string): Promise<string> => {
    const client = await connect({ servers: server.url, reconnect: false });
    const subscription = client.subscribe('echo', {
      callback: (_error, message) => message.respond(message.data),
    });
    try {
      const reply = await client.request('echo', text, { timeout: 5_000 });
      return reply.string();
    } finally {
      subscription.unsubscribe();
      await client.close();
    }
  };

  it('gives a server that carries a request and its reply', async () => {
    expect(await echo('hello')).toBe('hello');
  });

  it('hands the configuration on', async () => {
    const client = await connect({ servers: server.url, reconnect: false });
    expect(client.info?.max_payload).toBe(4096);
    await client.close();
  });

  it('answers on the same URL after a restart, as another process', async () => {
    const { url, pid } = server;
    await server.restart();
    expect(server.url).toBe(url);
    expect(server.pid).not.toBe(pid);
    expect(await echo('again')).toBe('again');
  });

  it('comes back after SIGKILL', async () => {
    const { pid } = server;
    await server.kill('SIGKILL');
    await untilGone(pid);
    await expect(echo('nobody')).rejects.toThrow(/CONNECTION_REFUSED/);
    await server.restart();
    expect(await echo('back')).toBe('back');
  });

  it('leaves neither process nor directory after stop, even when suspended, and stops twice', async () => {
    const { pid, dir } = server;
    await server.kill('SIGSTOP');
    await server.stop();
    await untilGone(pid);
    expect(existsSync(dir)).toBe(false);
    await server.stop();
  });

  it('shows its log when it does not start', async () => {
    const failure = startNats({ config: 'max_payload: "no number"' });
    await expect(failure).rejects.toThrow(/start of nats on port \d+: it ended with .*\n.*nats\.conf:3:1: /s);
  });
});
