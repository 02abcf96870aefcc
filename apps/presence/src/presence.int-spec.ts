import { SystemClock } from '@troupe/adapters-memory';
import { openNatsBus } from '@troupe/adapters-nats';
import { openRedisPresenceStore, type RedisPresenceStore } from '@troupe/adapters-redis';
import { createLogger, createMetrics, type Metrics } from '@troupe/observability';
import type { MessageBus } from '@troupe/ports';
import { decodePresenceNotice, decodePresenceReply, encodePresenceQuery, subjects } from '@troupe/protocol';
import { startNats, startRedis, type TestServer, untilSucceeds } from '@troupe/testing';
import { type RunningPresence, startPresence } from './bootstrap';
import { GatewayDouble } from './testing/gateway-double';

const LEASE_MS = 1_200;
const RENEW_MS = 300;
// Everything here waits for servers, and says itself what it waited for when a deadline passes.
jest.setTimeout(60_000);
const SOON = { deadlineMs: 15_000 };

/** Two pods, as processes would have them: each with its own connections to one NATS and one Redis. */
describe('the presence service, two pods over NATS and Redis', () => {
  const clock = new SystemClock();
  let nats: TestServer;
  let redis: TestServer;
  const buses: MessageBus[] = [];
  const stores: RedisPresenceStore[] = [];
  const pods: { running: RunningPresence; metrics: Metrics }[] = [];
  const gateways: GatewayDouble[] = [];
  let outside: MessageBus;
  let told: string[] = [];

  async function connect(name: string): Promise<MessageBus> {
    const bus = await openNatsBus({
      url: nats.url,
      name,
      onHandlerError: (error) => told.push(`handler error: ${String(error)}`),
      onFatal: (error) => told.push(`fatal: ${String(error)}`),
      reconnectWaitMs: 50,
      reconnectJitterMs: 50,
    });
    buses.push(bus);
    return bus;
  }

  beforeAll(async () => {
    nats = await startNats();
    redis = await startRedis({ persistent: false });
    outside = await connect('watcher');
    outside.subscribe(subjects.allPresence, ({ payload }) => {
      const notice = decodePresenceNotice(payload);
      told.push(`${notice?.user} ${notice?.status}`);
    });
    await outside.flush();
    const logger = createLogger({ service: 'presence', level: 'silent' });
    for (const name of ['presence-1', 'presence-2']) {
      const bus = await connect(name);
      const store = openRedisPresenceStore({ url: redis.url });
      stores.push(store);
      expect(await store.ready(5_000)).toBe(true);
      const metrics = createMetrics({ service: name });
      const settings = { presenceLeaseMs: LEASE_MS };
      pods.push({ running: await startPresence({ bus, store, clock, metrics, settings, logger }), metrics });
    }
  });

  afterAll(async () => {
    await Promise.all(pods.map(({ running }) => running.stop()));
    await Promise.all([...buses, ...stores].map((part) => part.close()));
    await Promise.all([nats, redis].map((server) => server?.stop()));
  });

  beforeEach(() => {
    told = [];
  });
  afterEach(() => {
    for (const each of gateways.splice(0)) each.dies();
  });

  async function gateway(id: string): Promise<GatewayDouble> {
    const double = new GatewayDouble(id, outside, clock, RENEW_MS);
    gateways.push(double);
    await outside.flush();
    return double;
  }

  const about = (prefix: string) => told.filter((line) => line.startsWith(prefix)).sort();
  const untilTold = (prefix: string, count: number) =>
    untilSucceeds(`${count} changes of ${prefix}*`, SOON, () => {
      if (about(prefix).length < count) throw new Error(JSON.stringify(about(prefix)));
    });

  async function ask(...users: string[]) {
    const query = encodePresenceQuery({ users });
    return decodePresenceReply(await outside.request(subjects.presenceQuery, query, { timeoutMs: 2_000 }));
  }
  const untilSessions = (user: string, sessions: number) =>
    untilSucceeds(`${sessions} sessions of ${user}`, SOON, async () => {
      const reply = await ask(user);
      const found = 'users' in reply ? reply.users[0]?.sessions : reply.error;
      if (found !== sessions) throw new Error(`still ${found}`);
    });
  /** After this, whatever the sweepers had to say of earlier leases has been said. */
  async function anotherDeathIsOver(name: string): Promise<void> {
    const late = await gateway(`gateway-of-${name}`);
    late.opens(name, 's');
    await untilTold(name, 1);
    late.dies();
    await untilTold(name, 2);
  }

  it('takes the users of a killed gateway offline exactly once, and keeps those with a session on another', async () => {
    const [dead, live] = [await gateway('dead'), await gateway('live')];
    const users = Array.from({ length: 50 }, (_, i) => `k-${i}`);
    for (const user of users) dead.opens(user, `dead-${user}`);
    for (const user of users.slice(0, 25)) live.opens(user, `live-${user}`);
    await untilTold('k-', 50);
    expect(about('k-')).toEqual(users.map((u) => `${u} online`).sort());
    await untilSessions('k-0', 2);

    dead.dies();
    await untilTold('k-', 75);
    await anotherDeathIsOver('x-1');
    expect(about('k-').filter((line) => line.endsWith('offline'))).toEqual(
      users
        .slice(25)
        .map((u) => `${u} offline`)
        .sort(),
    );
    expect(about('k-')).toHaveLength(75);
    await untilSessions('k-0', 1);
    await untilSessions('k-49', 0);
  });

  it('shares the work between the pods', async () => {
    const sum = () =>
      pods.map(({ metrics }) =>
        [...metrics.presenceTransitions.entries()].reduce((n, [, c]) => n + c.value, 0),
      );
    const before = sum();
    const g = await gateway('busy');
    for (let i = 0; i < 200; i++) g.opens(`w-${i}`, `s-${i}`);
    await untilTold('w-', 200);
    const done = sum().map((n, i) => n - (before[i] ?? 0));
    expect(done[0]! + done[1]!).toBe(200);
    expect(Math.min(...done)).toBeGreaterThan(0);
  });

  it('comes to the right sessions when each opens and closes at once, whichever pod is faster', async () => {
    const g = await gateway('quick');
    for (let i = 0; i < 300; i++) {
      g.opens(`q-${i}`, `s-${i}`);
      g.closes(`q-${i}`, `s-${i}`);
    }
    g.opens('q-last', 's-last');
    await untilTold('q-last', 1);
    await untilSucceeds('all batches', SOON, async () => {
      const replies = await Promise.all(
        [0, 1].map((n) => ask(...Array.from({ length: 150 }, (_, i) => `q-${n * 150 + i}`))),
      );
      const open = replies.flatMap((r) => ('users' in r ? r.users : [])).filter((u) => u.sessions > 0);
      if (open.length > 0) throw new Error(`${open.length} ghosts`);
    });
    // Online and offline in turn, for whoever was seen online at all.
    for (let i = 0; i < 300; i++) {
      const lines = told.filter((line) => line.startsWith(`q-${i} `));
      expect([`q-${i}`, lines.filter((l) => l.endsWith('online')).length]).toEqual([
        `q-${i}`,
        lines.filter((l) => l.endsWith('offline')).length,
      ]);
    }
  });

  it('answers unavailable while Redis is dead, and knows everybody again by itself after its return, empty', async () => {
    const g = await gateway('r-gateway');
    g.opens('r-alice', 'a1');
    await untilTold('r-', 1);
    await redis.kill('SIGKILL');
    await untilSucceeds('the answer unavailable', SOON, async () => {
      const reply = await ask('r-alice');
      if (!('error' in reply)) throw new Error('still an answer');
      expect(reply).toEqual({ error: 'unavailable' });
    });
    g.opens('r-bob', 'b1');
    await redis.restart();
    const backMs = performance.now();
    await untilSessions('r-alice', 1);
    await untilSessions('r-bob', 1);
    expect(performance.now() - backMs).toBeLessThan(5_000);
    expect(about('r-').filter((line) => line.endsWith('offline'))).toEqual([]);
  });

  it('tells nobody offline because NATS was away for longer than a lease', async () => {
    const g = await gateway('n-gateway');
    g.opens('n-alice', 'a1');
    await untilTold('n-', 1);
    await nats.kill('SIGKILL');
    const downMs = performance.now();
    await untilSucceeds('two leases', SOON, () => {
      if (performance.now() - downMs < 2 * LEASE_MS) throw new Error('not yet');
    });
    await nats.restart();
    await untilSucceeds('everybody back on NATS', SOON, async () => {
      if (!buses.every((bus) => bus.connected)) throw new Error('not yet');
      await ask('n-alice');
    });
    await anotherDeathIsOver('x-2');
    expect(about('n-')).toEqual(['n-alice online']);
    await untilSessions('n-alice', 1);
  });

  it('goes on with one pod when the other stops', async () => {
    await pods[0]?.running.stop();
    const g = await gateway('s-gateway');
    for (let i = 0; i < 20; i++) g.opens(`s-${i}`, `s-${i}`);
    await untilTold('s-', 20);
    g.dies();
    await untilTold('s-', 40);
    expect(about('s-')).toHaveLength(40);
  });
});
