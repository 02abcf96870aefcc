import { MemoryBusHub, MemoryMessageBus, MemoryPresenceStore } from '@troupe/adapters-memory';
import { createLogger, createMetrics, type Metrics } from '@troupe/observability';
import { type PresenceStore, PresenceUnavailable } from '@troupe/ports';
import {
  decodePresenceNotice,
  decodePresenceReply,
  encodePresenceQuery,
  type SessionsMessage,
  subjects,
} from '@troupe/protocol';
import { SimClock } from '@troupe/testing';
import { type RunningPresence, startPresence } from './bootstrap';
import { GatewayDouble } from './testing/gateway-double';

const LEASE_MS = 15_000;
const RENEW_MS = 5_000;
/** How late the end of a dead gateway's sessions is told at most: its lease, and the next sweep. */
const GONE_MS = LEASE_MS + 1_000;

describe('the presence service, two pods on the in-process bus and store', () => {
  let clock: SimClock;
  let hub: MemoryBusHub;
  let store: PresenceStore;
  let metrics: Metrics;
  let outside: MemoryMessageBus;
  let buses: MemoryMessageBus[];
  let pods: RunningPresence[];
  /** "alice online", as watchers heard it. */
  let told: string[];
  let logged: string[];

  const connect = (): MemoryMessageBus => {
    const bus = new MemoryMessageBus({ hub, clock, onHandlerError: (error) => logged.push(String(error)) });
    buses.push(bus);
    return bus;
  };
  const gateway = (id: string, bus = outside) => new GatewayDouble(id, bus, clock, RENEW_MS);

  beforeEach(async () => {
    clock = new SimClock();
    hub = new MemoryBusHub();
    store = new MemoryPresenceStore(clock);
    metrics = createMetrics({ service: 'presence' });
    [buses, told, logged] = [[], [], []];
    outside = connect();
    outside.subscribe(subjects.allPresence, ({ payload }) => {
      const notice = decodePresenceNotice(payload);
      told.push(`${notice?.user} ${notice?.status}`);
    });
    const logger = createLogger({
      service: 'presence',
      level: 'warn',
      destination: { write: (line) => logged.push(line) },
    });
    const settings = { presenceLeaseMs: LEASE_MS };
    pods = [];
    // Whatever a test puts into `store` later is what the pods then have.
    const current: PresenceStore = {
      apply: (...args) => store.apply(...args),
      restore: (...args) => store.restore(...args),
      renew: (...args) => store.renew(...args),
      expire: (...args) => store.expire(...args),
      query: (...args) => store.query(...args),
      onlineUsers: () => store.onlineUsers(),
      close: () => store.close(),
    };
    for (const bus of [connect(), connect()]) {
      pods.push(await startPresence({ bus, store: current, clock, metrics, settings, logger }));
    }
  });

  afterEach(async () => {
    await Promise.all(pods.map((pod) => pod.stop()));
    await Promise.all(buses.map((bus) => bus.close()));
  });

  async function ask(payload: Uint8Array) {
    const reply = outside.request(subjects.presenceQuery, payload, { timeoutMs: 1_000 });
    await clock.settle();
    return decodePresenceReply(await reply);
  }
  const sessionsOf = async (...users: string[]) => {
    const reply = await ask(encodePresenceQuery({ users }));
    return 'users' in reply ? reply.users.map((u) => u.sessions) : reply.error;
  };

  it('tells a user’s first and last session once each, and answers who is online', async () => {
    const g1 = gateway('g1');
    g1.opens('alice', 'a1');
    g1.opens('alice', 'a2');
    g1.closes('alice', 'a1');
    await clock.settle();
    expect(told).toEqual(['alice online']);
    expect(await ask(encodePresenceQuery({ users: ['bob', 'alice'] }))).toEqual({
      users: [
        { user: 'bob', status: 'offline', lastSeen: null, sessions: 0 },
        { user: 'alice', status: 'online', lastSeen: '2030-01-01T00:00:00.000Z', sessions: 1 },
      ],
    });
    await clock.run(1_500);
    g1.closes('alice', 'a2');
    await clock.settle();
    expect(told).toEqual(['alice online', 'alice offline']);
    expect(await ask(encodePresenceQuery({ users: ['alice'] }))).toEqual({
      users: [{ user: 'alice', status: 'offline', lastSeen: '2030-01-01T00:00:01.500Z', sessions: 0 }],
    });
    expect(logged).toEqual([]);
  });

  it('takes the users of a dead gateway offline once, and not those with a session on another', async () => {
    const [dead, live] = [gateway('dead'), gateway('live')];
    dead.opens('alice', 'a1');
    dead.opens('bob', 'b1');
    live.opens('bob', 'b2');
    await clock.run(60_000);
    expect(told).toEqual(['alice online', 'bob online']);
    dead.dies();
    await clock.run(LEASE_MS - RENEW_MS - 1);
    expect(told).toHaveLength(2);
    await clock.run(GONE_MS);
    expect(told.slice(2)).toEqual(['alice offline']);
    expect(await sessionsOf('alice', 'bob')).toEqual([0, 1]);
  });

  it('counts online users and changes for the metrics', async () => {
    const g1 = gateway('g1');
    g1.opens('alice', 'a1');
    g1.opens('bob', 'b1');
    g1.closes('bob', 'b1');
    await clock.run(1_000);
    const text = await metrics.text();
    expect(text).toMatch(/^troupe_presence_online_users 1$/m);
    expect(text).toMatch(/^troupe_presence_transitions_total\{to="online"\} 2$/m);
    expect(text).toMatch(/^troupe_presence_transitions_total\{to="offline"\} 1$/m);
  });

  it('makes no ghost of batches that pods handle in the wrong order', async () => {
    const g1 = gateway('g1');
    const send = g1.send;
    const kept: SessionsMessage[] = [];
    g1.send = (message) => kept.push(message);
    g1.opens('ghost', 's1');
    g1.closes('ghost', 's1');
    g1.send = send;
    for (const message of kept.reverse()) send(message);
    await clock.run(60_000);
    expect(told).toEqual([]);
    expect(await sessionsOf('ghost')).toEqual([0]);
    expect(g1.asked).toBe(0);
  });

  it('asks a gateway for all of its sessions when a batch was lost, and then knows them', async () => {
    const g1 = gateway('g1');
    g1.opens('alice', 'a1');
    const send = g1.send;
    g1.send = () => undefined;
    g1.closes('alice', 'a1');
    g1.opens('bob', 'b1');
    g1.send = send;
    await clock.run(2 * RENEW_MS);
    expect(told.slice(1).sort()).toEqual(['alice offline', 'bob online']);
    expect(g1.asked).toBe(1);
    await clock.run(60_000);
    expect(g1.asked).toBe(1);
  });

  it('knows everybody again when the store lost everything, at the next renewals', async () => {
    const [g1, g2] = [gateway('g1'), gateway('g2')];
    for (let i = 0; i < 1_500; i++) g1.opens(`user-${i}`, `s-${i}`);
    g2.opens('alice', 'a1');
    await clock.settle();
    store = new MemoryPresenceStore(clock);
    expect(await sessionsOf('alice', 'user-0', 'user-1499')).toEqual([0, 0, 0]);
    await clock.run(RENEW_MS);
    expect(await sessionsOf('alice', 'user-0', 'user-1499')).toEqual([1, 1, 1]);
    expect(await store.onlineUsers()).toBe(1_501);
  });

  it('takes nobody for dead whom it could not hear: the bus was away', async () => {
    const bus = connect();
    const g1 = gateway('g1', bus);
    g1.opens('alice', 'a1');
    await clock.run(RENEW_MS);
    for (const each of buses) each.cut();
    await clock.run(10 * LEASE_MS);
    for (const each of buses) each.heal();
    await clock.run(60_000);
    expect(told).toEqual(['alice online']);
    expect(await sessionsOf('alice')).toEqual([1]);
    // And whoever did die meanwhile is gone after one lease more.
    bus.cut();
    await clock.run(GONE_MS + LEASE_MS);
    expect(told).toEqual(['alice online', 'alice offline']);
  });

  it('waits one lease for gateways that come back to the bus later than it does itself', async () => {
    const bus = connect();
    gateway('g1', bus).opens('alice', 'a1');
    // Renewed at 10 s until 25 s. The pods are away too shortly for the store to notice that nobody swept.
    await clock.run(14_999);
    for (const each of buses) each.cut();
    await clock.run(5_002);
    for (const each of buses) if (each !== bus) each.heal();
    await clock.run(7_000);
    bus.heal();
    await clock.run(60_000);
    expect(told).toEqual(['alice online']);
  });

  it('answers bad queries with a code', async () => {
    for (const bad of ['{bad', '[]', '{"users":"alice"}', '{"users":["a b"]}', '{"users":[],"x":1}']) {
      expect([bad, await ask(Buffer.from(bad))]).toEqual([bad, { error: 'bad_request' }]);
    }
    const users = Array.from({ length: 201 }, (_, i) => `u${i}`);
    expect(await ask(Buffer.from(JSON.stringify({ users })))).toEqual({ error: 'bad_request' });
    expect(await ask(Buffer.alloc(40_000, 'x'))).toEqual({ error: 'too_large' });
    expect(await ask(encodePresenceQuery({ users: users.slice(0, 200) }))).toMatchObject({
      users: { length: 200 },
    });
    expect(await ask(encodePresenceQuery({ users: [] }))).toEqual({ users: [] });
  });

  it('survives messages that are none, and says so in the log without repeating them', async () => {
    for (const bad of ['{bad', '{"t":"changes","gateway":"secret.*","seq":1,"changes":[]}', '[]', '']) {
      outside.publish(subjects.sessions, Buffer.from(bad));
    }
    await clock.settle();
    expect(logged).toHaveLength(4);
    expect(logged.join()).not.toContain('secret');
    gateway('g1').opens('alice', 'a1');
    await clock.settle();
    expect(told).toEqual(['alice online']);
  });

  it('answers unavailable while the store is away, and is right again when it is back', async () => {
    const working = store;
    const g1 = gateway('g1');
    const away = () => Promise.reject(new PresenceUnavailable('away'));
    store = {
      apply: away,
      restore: away,
      renew: away,
      expire: away,
      query: away,
      onlineUsers: away,
      close: away,
    };
    g1.opens('alice', 'a1');
    await clock.run(3 * LEASE_MS);
    expect(await sessionsOf('alice')).toBe('unavailable');
    store = working;
    await clock.run(2 * RENEW_MS);
    expect(await sessionsOf('alice')).toEqual([1]);
    expect(told).toEqual(['alice online']);
  });

  it('leaves the work to the other pod when it stops', async () => {
    await pods[0]?.stop();
    const g1 = gateway('g1');
    for (let i = 0; i < 10; i++) g1.opens(`user-${i}`, `s-${i}`);
    await clock.settle();
    expect(told).toHaveLength(10);
    g1.dies();
    await clock.run(GONE_MS);
    expect(told).toHaveLength(20);
  });
});
