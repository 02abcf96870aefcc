import { StoreUnavailable } from '@troupe/ports';
import { SimClock } from '@troupe/testing';
import { GatewayHarness } from '../testing/gateway-harness';
import { TestActors } from '../testing/test-actors';
import type { TestClient } from '../testing/test-client';

/*
 *   hello ──> token ──> rooms of the user ──> attach to each ──> welcome ──> what was missed ──> live
 */
describe('opening a session', () => {
  let harness: GatewayHarness;
  let actors: TestActors;
  beforeEach(() => {
    harness = new GatewayHarness(new SimClock());
    actors = new TestActors(harness.otherBus);
  });
  afterEach(() => harness.close());

  async function hello(frame: object = {}, user = 'alice'): Promise<TestClient> {
    const client = harness.connect();
    client.say({ type: 'hello', token: await harness.token(user), ...frame });
    return client;
  }

  /** Rooms of alice, each with so many messages. */
  function rooms(sizes: Record<string, number>): void {
    for (const [room, size] of Object.entries(sizes)) {
      harness.room(room, ['alice']);
      for (let i = 1; i <= size; i++) {
        actors.say(room, `old ${i}`);
        const message = { room, seq: i, id: `m${i}`, from: 'bob', text: `old ${i}`, at: '' };
        harness.people.rooms.get(room)?.messages.push(message);
      }
    }
  }

  it('welcomes with the rooms, their heads and the limits', async () => {
    rooms({ a: 0, b: 3 });
    const client = await harness.open('alice', { id: 'h' });
    const [welcome, ...others] = client.frames;
    expect(welcome).toEqual({
      type: 'welcome',
      id: 'h',
      session: expect.stringMatching(/^[0-9a-f-]{36}$/),
      user: 'alice',
      heartbeatMs: 25_000,
      rooms: [
        { room: 'a', kind: 'group', head: 0 },
        { room: 'b', kind: 'group', head: 3 },
      ],
      limits: {
        frameBytesMax: 65_536,
        textCodePointsMax: 4_000,
        messagesPerSecond: 500,
        messagesBurst: 1_000,
      },
    });
    expect(others).toEqual([]);
  });

  it('takes the token of the upgrade', async () => {
    const client = harness.connect({ authorization: `Bearer ${await harness.token('alice')}` });
    client.say({ type: 'hello' });
    await harness.until(() => client.types.includes('welcome'));
  });

  it('welcomes before anything of any room comes', async () => {
    rooms({ a: 5, b: 5, c: 5 });
    const held: (() => void)[] = [];
    actors.takes = (command) => {
      if (command.t !== 'attach' || command.room !== 'c') return false;
      held.push(() => actors.control({ c: 'attached', room: 'c', epoch: 1, head: 5, sessions: 1 }));
      return true;
    };
    const client = await hello({ resume: { a: 0, b: 2 } });
    await harness.until(() => held.length > 0);
    actors.say('a', 'new');
    actors.say('b', 'new');
    await harness.settle();
    expect(client.frames).toEqual([]);
    held[0]?.();
    await harness.until(() => client.texts('a').length === 6);
    expect(client.types[0]).toBe('welcome');
    expect(client.types.filter((type) => type === 'welcome')).toHaveLength(1);
  });

  it('tells as head exactly the seq after which everything comes', async () => {
    rooms({ a: 2, b: 2 });
    let attached = false;
    actors.takes = (command) => {
      if (command.t !== 'attach') return false;
      // Committed after the list of rooms was read.
      if (!attached) actors.say('a', 'between');
      attached = true;
      return false;
    };
    const client = await harness.open('alice');
    actors.say('a', 'live');
    actors.say('b', 'live');
    await harness.until(() => client.of('message').length >= 2);
    const heads = client.frames[0]?.['rooms'] as { room: string; head: number }[];
    for (const { room, head } of heads) {
      const seqs = client.of('message').flatMap((m) => (m['room'] === room ? [Number(m['seq'])] : []));
      expect(seqs).toEqual(seqs.map((_, i) => head + 1 + i));
      expect(seqs.length).toBeGreaterThan(0);
    }
  });

  it('does not wait for a room whose head nobody can tell; the room joins when its owner is back', async () => {
    rooms({ a: 2, volatile: 0 });
    const read = harness.people.headsOf.bind(harness.people);
    jest
      .spyOn(harness.people, 'headsOf')
      .mockImplementation(async (user) =>
        (await read(user)).map((r) => (r.room === 'volatile' ? { ...r, head: -1 } : r)),
      );
    let away = true;
    actors.takes = (command) => away && command.room === 'volatile';
    const client = await hello();
    await harness.settle();
    expect(client.frames).toEqual([]);
    await harness.clock.run(1_000);
    expect(client.of('welcome')[0]).toMatchObject({ rooms: [{ room: 'a', head: 2 }] });
    away = false;
    await harness.clock.run(2_000);
    expect(client.of('joined')).toEqual([{ type: 'joined', room: 'volatile', head: 0 }]);
    expect(client.of('welcome')).toHaveLength(1);
  });

  it('sends what was missed after the welcome, once and in order, then goes on live', async () => {
    rooms({ a: 5, b: 1 });
    const client = await harness.open('alice', { resume: { a: 2 } });
    actors.say('a', 'live');
    await harness.until(() => client.texts('a').length >= 4);
    expect(client.texts('a')).toEqual(['old 3', 'old 4', 'old 5', 'live']);
    expect(client.texts('b')).toEqual([]);
  });

  it('does not lose a room that is joined while it is opening', async () => {
    rooms({ a: 1 });
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const read = harness.people.headsOf.bind(harness.people);
    const headsOf = jest.spyOn(harness.people, 'headsOf').mockImplementationOnce(async (user) => {
      const list = await read(user);
      await gate;
      return list;
    });
    const client = await hello();
    await harness.until(() => headsOf.mock.calls.length > 0);
    actors.notice({ room: 'late', user: 'alice', change: 'joined', head: 0 });
    await harness.settle();
    release();
    await harness.until(() => client.types.includes('joined'));
    actors.say('late', 'hi');
    await harness.settle();
    expect(client.types).toEqual(['welcome', 'joined', 'message']);
    expect(client.texts('late')).toEqual(['hi']);
  });

  it('does not keep a room that is left while it is opening', async () => {
    rooms({ a: 1 });
    const held: boolean[] = [];
    actors.takes = (command) => command.t === 'attach' && held.push(true) > 0;
    const client = await hello();
    await harness.until(() => held.length > 0);
    actors.notice({ room: 'a', user: 'alice', change: 'left', head: 1 });
    await harness.settle();
    actors.control({ c: 'attached', room: 'a', epoch: 1, head: 1, sessions: 1 });
    await harness.until(() => client.types.includes('left'));
    expect(client.types).toEqual(['welcome', 'left']);
    expect(client.connection.subscriptions.size).toBe(0);
  });

  it('answers one not_found for each room to resume that is not the user’s, there or not', async () => {
    rooms({ a: 1 });
    harness.room('others', ['bob']);
    const client = await harness.open('alice', { resume: { a: 1, others: 0, nowhere: 7 } });
    await harness.settle();
    expect(client.types).toEqual(['welcome', 'error', 'error']);
    expect(client.of('error').map((error) => error['code'])).toEqual(['not_found', 'not_found']);
    expect(client.connection.state).toBe('open');
    expect(actors.of('attach').map((command) => command.room)).toEqual(['a']);
  });

  it.each(['in hello', 'in the upgrade'])(
    'lets say hello again after the store was away; token %s',
    async (where) => {
      rooms({ a: 1 });
      const token = await harness.token('alice');
      const inUpgrade = where === 'in the upgrade';
      const client = harness.connect(inUpgrade ? { authorization: `Bearer ${token}` } : {});
      const again = { type: 'hello', ...(inUpgrade ? {} : { token }) };
      jest.spyOn(harness.people, 'headsOf').mockRejectedValueOnce(new StoreUnavailable('db-1 is away'));
      client.say({ id: '1', ...again });
      await harness.until(() => client.frames.length > 0);
      expect(client.frames).toMatchObject([{ type: 'error', id: '1', code: 'unavailable' }]);
      expect(client.connection.state).toBe('new');
      client.say({ id: '2', ...again });
      await harness.until(() => client.types.includes('welcome'));
      expect(client.closeCodes).toEqual([]);
      actors.say('a', 'live');
      await harness.settle();
      expect(client.texts('a')).toEqual(['live']);
    },
  );

  it('forgets what came for a session that could not be opened', async () => {
    rooms({ a: 0 });
    const token = await harness.token('alice');
    const client = harness.connect();
    let fail: (error: Error) => void = () => undefined;
    const headsOf = jest.spyOn(harness.people, 'headsOf');
    headsOf.mockImplementationOnce(() => new Promise((_resolve, reject) => (fail = reject)));
    client.say({ type: 'hello', token });
    await harness.until(() => headsOf.mock.calls.length > 0);
    actors.notice({ room: 'a', user: 'alice', change: 'left', head: 0 });
    await harness.settle();
    fail(new StoreUnavailable(''));
    await harness.settle();
    // Back in the room before hello is said again.
    client.say({ type: 'hello', token });
    await harness.until(() => client.types.includes('welcome'));
    expect(client.types).toEqual(['error', 'welcome']);
    expect([...client.connection.subscriptions.keys()]).toEqual(['a']);
  });

  it.each([
    ['no token', {}],
    ['a token that is none', { token: 'x' }],
  ])('closes with 4501 for %s', async (_what, frame) => {
    const client = harness.connect();
    client.say({ type: 'hello', ...frame });
    await harness.until(() => client.closeCodes.length > 0);
    expect(client.frames).toMatchObject([{ type: 'error', code: 'unauthenticated' }]);
    expect(client.closeCodes).toEqual([4501]);
  });

  it('answers a second hello with bad_request and stays open', async () => {
    const client = await harness.open('alice');
    client.say({ type: 'hello', id: '2', token: 'x' });
    await harness.settle();
    expect(client.frames.slice(1)).toMatchObject([{ type: 'error', id: '2', code: 'bad_request' }]);
    expect(client.connection.state).toBe('open');
  });

  it('leaves nothing behind when the socket goes while it is opening', async () => {
    rooms({ a: 1 });
    actors.takes = (command) => command.t === 'attach';
    const client = await hello();
    await harness.until(() => actors.of('attach').length > 0);
    client.connection.gone();
    await harness.clock.run(2_000);
    expect(harness.metrics.sessions.value).toBe(0);
    expect(harness.edge.fanout.sessionCount).toBe(0);
    expect(harness.edge.fanout.roomCount).toBe(0);
    expect(client.frames).toEqual([]);
  });
});
