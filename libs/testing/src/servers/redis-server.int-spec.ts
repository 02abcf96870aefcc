import { Redis } from 'ioredis';
import { existsSync } from 'node:fs';
import { startRedis } from './redis-server';
import type { TestServer } from './test-server';
import { untilGone } from './until-gone';

jest.setTimeout(60_000);

describe('startRedis', () => {
  let server: TestServer;
  beforeEach(async () => {
    server = await startRedis();
  });
  afterEach(() => server.stop());

  const ask = async <T>(question: (client: Redis) => Promise<T>): Promise<T> => {
    const client = new Redis(server.url, { lazyConnect: true, retryStrategy: () => null });
    const failures: Error[] = [];
    client.on('error', (error) => failures.push(error));
    try {
      await client.connect();
      return await question(client);
    } finally {
      client.disconnect();
    }
  };

  it('gives a server that answers', async () => {
    expect(await ask((client) => client.ping())).toBe('PONG');
  });

  it('keeps its data over a restart and over SIGKILL, on the same URL', async () => {
    const { url } = server;
    await ask((client) => client.set('before', 'restart'));
    await server.restart();
    expect(await ask((client) => client.get('before'))).toBe('restart');
    await ask((client) => client.set('before', 'SIGKILL'));
    await server.kill('SIGKILL');
    await server.restart();
    expect(server.url).toBe(url);
    expect(await ask((client) => client.get('before'))).toBe('SIGKILL');
  });

  it('forgets its data when it is not to keep them, and takes settings', async () => {
    const forgetful = await startRedis({ persistent: false, settings: { maxmemory: '2mb' } });
    const client = new Redis(forgetful.url);
    expect(await client.config('GET', 'maxmemory')).toEqual(['maxmemory', `${2 * 1024 * 1024}`]);
    await client.set('key', 'value');
    client.disconnect();
    await forgetful.restart();
    const again = new Redis(forgetful.url);
    expect(await again.get('key')).toBeNull();
    again.disconnect();
    await forgetful.stop();
  });

  it('leaves neither process nor directory after stop', async () => {
    const { pid, dir } = server;
    await server.stop();
    await untilGone(pid);
    expect(existsSync(dir)).toBe(false);
  });
});
