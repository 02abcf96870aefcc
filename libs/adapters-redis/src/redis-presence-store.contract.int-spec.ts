import { randomUUID } from 'node:crypto';
import { presenceStoreContract, untilSucceeds } from '@troupe/testing';
import { Redis } from 'ioredis';
import { openRedisPresenceStore, type RedisPresenceStore } from './redis-presence-store';

const url = process.env['TEST_REDIS_URL'] ?? '';
let probe: Redis;

beforeAll(() => {
  probe = new Redis(url);
});
afterAll(() => probe.quit());

async function serverMs(): Promise<number> {
  const [seconds = NaN, micros = NaN] = await probe.time();
  return seconds * 1_000 + Math.floor(micros / 1_000);
}

presenceStoreContract('redis', async () => {
  const keyPrefix = `test:{${randomUUID()}}:`;
  const stores: RedisPresenceStore[] = [];
  return {
    open: async () => {
      const store = openRedisPresenceStore({ url, keyPrefix, expireSessionsMax: 100 });
      stores.push(store);
      expect(await store.ready(5_000)).toBe(true);
      return store;
    },
    pass: async (ms) => {
      const endMs = (await serverMs()) + ms;
      await untilSucceeds(`${ms} ms of the server's time`, { deadlineMs: ms + 5_000 }, async () => {
        if ((await serverMs()) < endMs) throw new Error('too early');
      });
    },
    close: async () => {
      await Promise.all(stores.map((store) => store.close()));
    },
  };
});
