import { once } from 'node:events';
import { createServer } from 'node:net';
import { freePort } from './free-port';
import { startNats } from './nats-server';
import { startRedis } from './redis-server';

jest.setTimeout(60_000);

describe('freePort', () => {
  it('gives ports that can be listened on, each once, below those of outgoing connections', async () => {
    const ports = await Promise.all(Array.from({ length: 50 }, freePort));
    expect(new Set(ports).size).toBe(50);
    expect(Math.max(...ports)).toBeLessThan(32_768);
    const server = createServer().listen(ports[0], '127.0.0.1');
    await once(server, 'listening');
    server.close();
  });
});

describe('many servers at once', () => {
  it('do not collide', async () => {
    const servers = await Promise.all([startNats(), startNats(), startNats(), startRedis(), startRedis()]);
    expect(new Set(servers.map(({ port }) => port)).size).toBe(servers.length);
    expect(new Set(servers.map(({ dir }) => dir)).size).toBe(servers.length);
    await Promise.all(servers.map((server) => server.stop()));
  });
});
