import { MemoryBusHub } from '@troupe/adapters-memory';
import { type Message, encodeMessageFrame, subjects } from '@troupe/protocol';
import { SimClock } from '@troupe/testing';
import { GatewayHarness } from '../testing/gateway-harness';
import { TestActors } from '../testing/test-actors';

describe('the gateway as an edge of the actors', () => {
  let clock: SimClock;
  let harness: GatewayHarness;
  let actors: TestActors;
  beforeEach(() => {
    clock = new SimClock();
    harness = new GatewayHarness(clock);
    actors = new TestActors(harness.otherBus);
  });
  afterEach(() => harness.close());

  function signs(of = harness): unknown[] {
    const heard: unknown[] = [];
    of.otherBus.subscribe(subjects.gatewayAlive, ({ payload }) => {
      heard.push(JSON.parse(Buffer.from(payload).toString()));
    });
    return heard;
  }

  it('gives signs of life, and says good-bye', async () => {
    const heard = signs();
    const { id } = harness.edge;
    await clock.run(6_000);
    harness.edge.stop();
    await clock.run(6_000);
    expect(heard).toEqual([{ edge: id }, { edge: id }, { edge: id, leaving: true }]);
  });

  it('attaches everybody again when it stood still for so long that the actors may have given it up', async () => {
    harness.room('a', ['alice']);
    await harness.open('alice');
    await clock.run(10_000);
    expect(actors.of('attach')).toHaveLength(1);
    // SIGSTOP: time passes, timers do not fire, then all at once.
    const now = clock.nowMs.bind(clock);
    jest.spyOn(clock, 'nowMs').mockImplementation(() => now() + 60_000);
    await clock.run(3_000);
    expect(actors.of('attach').length).toBeGreaterThan(1);
  });

  describe('on a bus that takes nothing', () => {
    let full: GatewayHarness;
    beforeEach(() => {
      full = new GatewayHarness(clock, { hub: new MemoryBusHub({ messagesMax: 0 }) });
    });
    afterEach(() => full.close());

    it('lives on, without signs of life', async () => {
      const heard = signs(full);
      await clock.run(10_000);
      expect(full.bus.connected).toBe(true);
      expect(heard).toEqual([]);
    });

    it('makes rooms, and leaves their members to be found later', () => {
      expect(() => full.edge.announceRoom('r', ['alice', 'bob'])).not.toThrow();
    });

    it('stops in good order: what waits is answered', async () => {
      const waiting = full.edge.publish({ room: 'r', from: 'alice', text: 'hi' });
      full.edge.stop();
      await expect(waiting).rejects.toMatchObject({ code: 'unavailable' });
    });
  });

  it('tells each member of a new room', async () => {
    const told: unknown[] = [];
    harness.otherBus.subscribe(subjects.membership, ({ payload }) => {
      told.push(JSON.parse(Buffer.from(payload).toString()));
    });
    harness.edge.announceRoom('r', ['alice', 'bob']);
    await harness.settle();
    expect(told).toEqual([
      { room: 'r', user: 'alice', change: 'joined', head: 0 },
      { room: 'r', user: 'bob', change: 'joined', head: 0 },
    ]);
  });

  it('makes a room although the bus is away while it is announced', () => {
    harness.bus.cut();
    expect(() => harness.edge.announceRoom('r', ['alice'])).not.toThrow();
  });

  describe('asked over HTTP', () => {
    it('publishes and answers with what the actor says', async () => {
      const sent = harness.edge.publish({ room: 'r', from: 'alice', text: 'hi', clientId: 'c' });
      await harness.settle();
      const [command] = actors.of('publish');
      const at = expect.any(String);
      expect(await sent).toEqual({ seq: 1, id: command?.id, at, duplicate: false });
      expect(harness.metrics.publishAck.snapshot().count).toBe(1);
    });

    it('rejects with what the actor refuses with', async () => {
      actors.takes = () => true;
      const change = { room: 'r', user: 'bob', by: 'alice', change: 'join' as const };
      const asked = harness.edge.changeMember(change);
      await harness.settle();
      const ref = actors.of('member')[0]?.ref ?? 0;
      actors.control({ c: 'fail', ref, code: 'forbidden', message: 'no', retryAfterMs: 5 });
      await expect(asked).rejects.toMatchObject({ code: 'forbidden', message: 'no', retryAfterMs: 5 });
    });

    it('answers at once what is asked after it has stopped', async () => {
      harness.edge.stop();
      const sent = harness.edge.publish({ room: 'r', from: 'alice', text: 'late' });
      await expect(sent).rejects.toMatchObject({ code: 'unavailable' });
      const change = { room: 'r', user: 'alice', by: 'alice', change: 'leave' as const };
      await expect(harness.edge.changeMember(change)).rejects.toMatchObject({ code: 'unavailable' });
    });

    it('answers what was under way when it stops', async () => {
      actors.takes = () => true;
      const sent = harness.edge.publish({ room: 'r', from: 'alice', text: 'hi' });
      await harness.settle();
      harness.edge.stop();
      await expect(sent).rejects.toMatchObject({ code: 'unavailable' });
    });
  });

  describe('measuring deliveries', () => {
    const message: Message = {
      room: 'a',
      seq: 1,
      id: '00000000-0000-7000-8000-000000000001',
      from: 'bob',
      text: 'hi',
      at: '2029-12-31T23:59:58.000Z',
    };
    const observed = (): { count: number; sum: number } => harness.metrics.delivery.snapshot();
    const receive = (m: Message): void => {
      harness.edge.link.message(m.room, 1, m.seq, Buffer.from(encodeMessageFrame(m)));
    };

    // The simulated clock begins at 2030-01-01; the message is two seconds old, wherever else a time may stand.
    it.each<[string, Partial<Message>]>([
      ['as they are', {}],
      ['with an older time in their data', { data: { at: '1970-01-01T00:00:00.000Z' } }],
      ['with a time in their text', { text: '","at":"1970-01-01T00:00:00.000Z' }],
      ['without a text', { text: '' }],
      ['with characters of several bytes', { text: '€😀' }],
    ])('takes the time of messages %s', async (_what, changes) => {
      await clock.run(1_000);
      receive({ ...message, at: '2029-12-31T23:59:59.000Z', ...changes });
      expect(observed()).toMatchObject({ count: 1, sum: 2 });
    });

    it('measures one in fifty milliseconds, and none as less than nothing', async () => {
      await clock.run(1_000);
      receive({ ...message, at: '2031-01-01T00:00:00.000Z' });
      for (let seq = 2; seq < 50; seq++) receive({ ...message, seq });
      await clock.run(50);
      receive({ ...message, seq: 50, at: '2030-01-01T00:00:00.050Z' });
      expect(observed()).toMatchObject({ count: 2, sum: 1 });
    });
  });

  it('writes each socket once a turn, whatever the number of messages and rooms', async () => {
    harness.room('a', ['alice', 'bob']);
    harness.room('b', ['alice']);
    const alice = await harness.open('alice');
    const bob = await harness.open('bob');
    for (const { socket } of [alice, bob]) socket.writes.length = 0;
    for (let i = 0; i < 10; i++) for (const room of ['a', 'b']) actors.say(room, `${i}`);
    await harness.settle();
    expect(alice.texts('a')).toEqual(Array.from({ length: 10 }, (_, i) => `${i}`));
    expect(alice.texts('b')).toEqual(alice.texts('a'));
    expect(bob.texts('a')).toEqual(alice.texts('a'));
    expect([alice.socket.writes.length, bob.socket.writes.length]).toEqual([1, 1]);
    expect(harness.metrics.deliveries.value).toBe(30);
  });

  it('ends with bye and a close frame, and nothing behind them', async () => {
    harness.room('a', ['alice']);
    const alice = await harness.open('alice');
    const body = Buffer.from(
      encodeMessageFrame({ room: 'a', seq: 1, id: 'm1', from: 'bob', text: 'hi', at: '' }),
    );
    harness.edge.link.message('a', 1, 1, body);
    harness.gateway.stop();
    harness.edge.link.message('a', 1, 2, body);
    await harness.settle();
    expect(alice.types.slice(1).sort()).toEqual(['bye', 'message']);
    expect(alice.closeCodes).toEqual([1012]);
    expect(alice.socket.frames.slice(-1)[0]?.opcode).toBe(0x8);
  });
});
