import { PresenceUnavailable } from '@troupe/ports';
import { startRedis, type TestServer, untilSucceeds } from '@troupe/testing';
import { Redis } from 'ioredis';
import { openRedisPresenceStore, type RedisPresenceStore } from './redis-presence-store';

const LEASE = { leaseMs: 60_000 };
const ALICE = [{ user: 'alice', session: 'a1', change: 'opened' }] as const;

describe('presence on Redis', () => {
  let server: TestServer;
  let store: RedisPresenceStore;
  const errors: Error[] = [];

  beforeAll(async () => {
    server = await startRedis({ persistent: true });
  });
  afterAll(() => server.stop());

  beforeEach(async () => {
    store = openRedisPresenceStore({ url: server.url, onError: (error) => errors.push(error) });
    expect(await store.ready(5_000)).toBe(true);
  });
  afterEach(() => store.close());

  async function admin<T>(action: (redis: Redis) => Promise<T>): Promise<T> {
    const redis = new Redis(server.url);
    try {
      return await action(redis);
    } finally {
      await redis.quit();
    }
  }

  /** Fails unless every method says within a second that presence is unavailable. */
  async function expectUnavailable(): Promise<void> {
    const startMs = performance.now();
    const answers = await Promise.allSettled([
      store.apply('g1', ALICE, { ...LEASE, seq: 9 }),
      store.restore('g1', [['alice', 'a1']], { ...LEASE, seq: 9, part: 0, parts: 1 }),
      store.renew('g1', { ...LEASE, seq: 9 }),
      store.expire(LEASE),
      store.query(['alice']),
      store.onlineUsers(),
    ]);
    expect(performance.now() - startMs).toBeLessThan(1_000);
    for (const answer of answers) {
      expect(answer.status === 'rejected' && answer.reason).toBeInstanceOf(PresenceUnavailable);
    }
  }

  const untilBack = () =>
    untilSucceeds('presence to answer', { deadlineMs: 5_000 }, () => store.query(['alice']));

  it('is unavailable at once while the server is dead, and is back within 5 s of its return', async () => {
    await store.apply('g1', ALICE, { ...LEASE, seq: 1 });
    await server.kill('SIGKILL');
    await expectUnavailable();
    await expectUnavailable();
    await server.restart();
    expect(await untilBack()).toMatchObject([{ user: 'alice', status: 'online' }]);
    expect(errors.length).toBeGreaterThan(0);
  });

  it('is unavailable within a second while the server hangs, and is back when it wakes', async () => {
    await server.kill('SIGSTOP');
    try {
      await expectUnavailable();
    } finally {
      await server.kill('SIGCONT');
    }
    expect(await untilBack()).toMatchObject([{ user: 'alice' }]);
  });

  it('keeps the users of a gateway online that could not renew because the server was away', async () => {
    const leaseMs = 500;
    await store.apply('g2', [{ user: 'bob', session: 'b1', change: 'opened' }], { leaseMs, seq: 1 });
    expect(await store.expire({ leaseMs })).toEqual([]);
    await server.kill('SIGKILL');
    await server.restart();
    await untilSucceeds('the lease to be over by the server’s clock', { deadlineMs: 5_000 }, () =>
      admin(async (redis) => {
        const end = Number(await redis.zscore('troupe:{presence}:leases', 'g2'));
        const [seconds = 0] = await redis.time();
        if (seconds * 1_000 <= end) throw new Error('not yet');
      }),
    );
    await untilBack();
    expect(await store.expire({ leaseMs })).toEqual([]);
    expect(await store.renew('g2', { leaseMs, seq: 1 })).toBe(true);
    expect(await store.query(['bob'])).toMatchObject([{ status: 'online' }]);
  });

  it('asks gateways for their sessions when the server lost everything', async () => {
    await store.apply('g3', [{ user: 'carol', session: 'c1', change: 'opened' }], { ...LEASE, seq: 1 });
    await admin((redis) => redis.flushall());
    expect(await store.renew('g3', { ...LEASE, seq: 1 })).toBe(false);
    expect(
      await store.restore('g3', [['carol', 'c1']], { ...LEASE, seq: 1, part: 0, parts: 1 }),
    ).toMatchObject([{ user: 'carol', status: 'online' }]);
    expect(await store.renew('g3', { ...LEASE, seq: 1 })).toBe(true);
  });

  it('sends its scripts again to a server that forgot them', async () => {
    await store.query(['alice']);
    await admin((redis) => redis.script('FLUSH'));
    expect(await store.query(['alice'])).toHaveLength(1);
  });

  it('refuses every write, and only writes, while the server is out of memory', async () => {
    await admin((redis) => redis.config('SET', 'maxmemory', '1'));
    try {
      await expect(store.renew('g4', { ...LEASE, seq: 0 })).rejects.toBeInstanceOf(PresenceUnavailable);
      expect(await store.query(['alice'])).toHaveLength(1);
    } finally {
      await admin((redis) => redis.config('SET', 'maxmemory', '0'));
    }
    expect(await store.renew('g4', { ...LEASE, seq: 0 })).toBe(true);
  });

  it('leaves no key of a gateway or a session behind, and takes nothing from one that is being ended', async () => {
    const keyPrefix = 'small:';
    const small = openRedisPresenceStore({ url: server.url, keyPrefix, expireSessionsMax: 2 });
    expect(await small.ready(5_000)).toBe(true);
    const opened = (n: number) => ({ user: `u${n}`, session: `s${n}`, change: 'opened' as const });
    await small.apply('g1', [1, 2, 3].map(opened), { leaseMs: 1, seq: 1 });
    // A missing batch, a tombstone and half of a restore.
    await small.apply('g1', [{ user: 'u9', session: 's9', change: 'closed' }], { leaseMs: 1, seq: 4 });
    await small.restore('g1', [['u1', 's1']], { leaseMs: 1, seq: 3, part: 0, parts: 2 });

    const first = await untilSucceeds('the end of the lease', { deadlineMs: 5_000 }, async () => {
      const records = await small.expire({ leaseMs: 1_000 });
      if (records.length === 0) throw new Error('not yet');
      return records;
    });
    expect(first).toHaveLength(2);
    expect(await small.apply('g1', [opened(8)], { leaseMs: 60_000, seq: 5 })).toEqual([]);
    expect(await small.renew('g1', { leaseMs: 60_000, seq: 5 })).toBe(false);
    expect(await small.expire({ leaseMs: 1_000 })).toHaveLength(1);
    expect(await small.expire({ leaseMs: 1_000 })).toEqual([]);
    expect(await small.query(['u8'])).toMatchObject([{ status: 'offline', lastSeen: null }]);
    await small.close();

    const left = await admin((redis) => redis.keys(`${keyPrefix}*`));
    expect(left.sort()).toEqual(['small:seen:u1', 'small:seen:u2', 'small:seen:u3', 'small:sweep']);
    expect(await admin((redis) => redis.pttl('small:seen:u1'))).toBeGreaterThan(89 * 24 * 3_600_000);
  });

  it.each(['', 'a b', 'a:b', 'a|b', '*', '{x}', 'a\r\nDEL x', 'x'.repeat(65)])(
    'makes no key from %j, which is no id',
    async (id) => {
      const seq = { ...LEASE, seq: 1 };
      await expect(store.query([id])).rejects.toBeInstanceOf(RangeError);
      await expect(store.renew(id, seq)).rejects.toBeInstanceOf(RangeError);
      await expect(store.apply(id, ALICE, seq)).rejects.toBeInstanceOf(RangeError);
      const change = 'opened' as const;
      await expect(store.apply('g', [{ user: id, session: 's', change }], seq)).rejects.toBeInstanceOf(
        RangeError,
      );
      await expect(store.apply('g', [{ user: 'u', session: id, change }], seq)).rejects.toBeInstanceOf(
        RangeError,
      );
      const whole = { ...seq, part: 0, parts: 1 };
      await expect(store.restore('g', [['u', id]], whole)).rejects.toBeInstanceOf(RangeError);
      await expect(store.restore('g', [[id, 's']], whole)).rejects.toBeInstanceOf(RangeError);
    },
  );
});
