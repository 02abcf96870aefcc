import { SimClock } from '@troupe/testing';
import type { RoomHead } from '@troupe/protocol';
import { GatewayHarness } from '../testing/gateway-harness';
import { TestActors } from '../testing/test-actors';

/*
 *   actor ── membership notice ──> follower ──> sessions of the user
 *   actor <── member command ── frame in work ──> answer, or none
 */
describe('following memberships', () => {
  let harness: GatewayHarness;
  let actors: TestActors;
  beforeEach(() => {
    harness = new GatewayHarness(new SimClock());
    actors = new TestActors(harness.otherBus);
  });
  afterEach(() => harness.close());

  const left = { room: 'g', user: 'alice', change: 'left', head: 0 } as const;
  const joined = { room: 'g', user: 'alice', change: 'joined', head: 0 } as const;

  it('attaches every session of a user who becomes a member, and nobody else', async () => {
    harness.room('g', []);
    const alice = [await harness.open('alice'), await harness.open('alice')];
    const bob = await harness.open('bob');
    actors.notice(joined);
    await harness.settle();
    actors.say('g', 'hi');
    await harness.settle();
    for (const session of alice) {
      expect(session.of('joined')).toEqual([{ type: 'joined', room: 'g', head: 0 }]);
      expect(session.texts('g')).toEqual(['hi']);
    }
    expect(bob.types).toEqual(['welcome']);
  });

  it('ends the stream of a user who was removed, and says so once', async () => {
    harness.room('g', ['alice']);
    const alice = await harness.open('alice');
    actors.notice(left);
    actors.notice(left);
    await harness.settle();
    actors.say('g', 'secret');
    await harness.settle();
    expect(alice.of('left')).toEqual([{ type: 'left', room: 'g' }]);
    expect(alice.texts('g')).toEqual([]);
    expect(actors.readers('g')).toBe(0);
  });

  it('ends the stream of who left although the answer was lost', async () => {
    harness.room('g', ['alice']);
    const alice = await harness.open('alice');
    actors.takes = (command) => command.t === 'member';
    alice.say({ type: 'group_leave', id: '1', room: 'g' });
    await harness.settle();
    actors.notice(left);
    await harness.settle();
    const [command] = actors.of('member');
    actors.control({ c: 'fail', ref: command?.ref ?? 0, code: 'unavailable', message: 'moved away' });
    await harness.settle();
    actors.say('g', 'secret');
    await harness.settle();
    expect(alice.of('error')).toMatchObject([{ id: '1', code: 'unavailable' }]);
    expect(alice.of('left')).toHaveLength(1);
    expect(alice.texts('g')).toEqual([]);
    expect(alice.connection.subscriptions.size).toBe(0);
  });

  it('attaches who joined although the answer was lost', async () => {
    harness.room('g', [], { open: true });
    const alice = await harness.open('alice');
    actors.takes = (command) => command.t === 'member';
    alice.say({ type: 'group_join', id: '1', room: 'g' });
    await harness.settle();
    actors.notice(joined);
    actors.control({ c: 'fail', ref: actors.of('member')[0]?.ref ?? 0, code: 'unavailable', message: '' });
    await harness.settle();
    actors.say('g', 'hi');
    await harness.settle();
    expect(alice.of('error')).toMatchObject([{ id: '1', code: 'unavailable' }]);
    expect(alice.of('joined')).toHaveLength(1);
    expect(alice.texts('g')).toEqual(['hi']);
  });

  it('ends the stream of who joined and was removed before the answer came', async () => {
    harness.room('g', [], { open: true });
    const alice = await harness.open('alice');
    actors.takes = (command) => command.t === 'member';
    alice.say({ type: 'group_join', id: '1', room: 'g' });
    await harness.settle();
    actors.notice(joined);
    actors.notice(left);
    actors.control({ c: 'done', ref: actors.of('member')[0]?.ref ?? 0, head: 0 });
    await harness.settle();
    actors.say('g', 'secret');
    await harness.settle();
    expect(alice.of('left')).toHaveLength(1);
    expect(alice.texts('g')).toEqual([]);
    expect(actors.readers('g')).toBe(0);
  });

  it('ends the stream of who is removed between the look at the room and the attachment', async () => {
    harness.room('g', ['alice']);
    const alice = await harness.open('alice');
    alice.say({ type: 'leave', room: 'g' });
    await harness.settle();
    const look = held(harness.people, 'room');
    alice.say({ type: 'join', id: '2', room: 'g' });
    await harness.settle();
    actors.notice(left);
    await harness.settle();
    look.go();
    await harness.settle();
    actors.say('g', 'secret');
    await harness.settle();
    expect(alice.texts('g')).toEqual([]);
    expect(alice.types.slice(-1)).toEqual(['left']);
  });

  it('answers a frame of the session itself once, however the notice and the answer come', async () => {
    harness.room('g', [], { open: true });
    const alice = await harness.open('alice');
    alice.say({ type: 'group_join', id: '1', room: 'g' });
    await harness.settle();
    alice.say({ type: 'group_leave', id: '2', room: 'g' });
    await harness.settle();
    expect(alice.frames.slice(1)).toEqual([
      { type: 'joined', id: '1', room: 'g', head: 0 },
      { type: 'left', id: '2', room: 'g' },
    ]);
  });

  describe('after the bus was away', () => {
    it('detaches who was removed, and attaches who became a member, meanwhile', async () => {
      harness.room('g', ['alice']);
      harness.room('h', []);
      const alice = await harness.open('alice');
      harness.bus.cut();
      harness.room('g', []);
      harness.room('h', ['alice']);
      harness.bus.heal();
      await harness.settle();
      actors.say('g', 'secret');
      actors.say('h', 'hi');
      await harness.settle();
      expect(alice.of('left')).toEqual([{ type: 'left', room: 'g' }]);
      expect(alice.of('joined')).toEqual([{ type: 'joined', room: 'h', head: 0 }]);
      expect(alice.texts('g')).toEqual([]);
      expect(alice.texts('h')).toEqual(['hi']);
    });

    it('leaves guests of a channel where they are, and does not bring back what a session does not want', async () => {
      harness.room('news', [], { kind: 'channel', open: true });
      harness.room('g', ['alice']);
      const alice = await harness.open('alice');
      alice.say({ type: 'join', room: 'news' });
      alice.say({ type: 'leave', room: 'g' });
      await harness.settle();
      const before = alice.types;
      harness.bus.cut();
      harness.bus.heal();
      await harness.settle();
      expect(alice.types).toEqual(before);
      expect([...alice.connection.subscriptions.keys()]).toEqual(['news']);
    });

    it('forgets that somebody was a guest when they become a member', async () => {
      harness.room('news', [], { kind: 'channel', open: true });
      const alice = await harness.open('alice');
      alice.say({ type: 'join', room: 'news' });
      await harness.settle();
      actors.notice({ room: 'news', user: 'alice', change: 'joined', head: 0 });
      await harness.settle();
      harness.bus.cut();
      harness.room('news', [], { kind: 'channel', open: false });
      harness.bus.heal();
      await harness.settle();
      expect(alice.types.slice(-1)).toEqual(['left']);
    });

    it('tries again until the store answers', async () => {
      harness.room('g', ['alice']);
      const alice = await harness.open('alice');
      harness.bus.cut();
      harness.room('g', []);
      harness.people.fault = new Error('the store is away too');
      harness.bus.heal();
      await harness.clock.run(2_000);
      expect(alice.types).toEqual(['welcome']);
      harness.people.fault = undefined;
      await harness.clock.run(2_000);
      expect(alice.types).toEqual(['welcome', 'left']);
    });

    it('looks again when it went away a second time during the look', async () => {
      harness.room('g', ['alice']);
      const alice = await harness.open('alice');
      const look = held(harness.people, 'headsOf');
      harness.bus.cut();
      harness.bus.heal();
      await harness.settle();
      harness.bus.cut();
      harness.room('g', []);
      harness.bus.heal();
      await harness.settle();
      look.go();
      await harness.clock.run(2_000);
      expect(alice.types).toEqual(['welcome', 'left']);
    });

    it('believes a notice that came during the look rather than the look', async () => {
      harness.room('g', []);
      const alice = await harness.open('alice');
      const look = held(harness.people, 'headsOf');
      harness.bus.cut();
      harness.bus.heal();
      await harness.settle();
      harness.room('g', ['alice']);
      actors.notice(joined);
      await harness.settle();
      look.go();
      await harness.clock.run(2_000);
      expect(alice.types).toEqual(['welcome', 'joined']);
    });

    it('does not forget a session that was just being opened', async () => {
      harness.room('g', ['alice']);
      const token = await harness.token('alice');
      actors.takes = (command) => command.t === 'attach';
      const alice = harness.connect();
      alice.say({ type: 'hello', token });
      await harness.until(() => actors.of('attach').length > 0);
      harness.bus.cut();
      harness.room('g', []);
      harness.bus.heal();
      await harness.clock.run(5_000);
      expect(alice.types).toEqual(['welcome', 'left']);
    });
  });
});

/** Holds back the next answer of a method, which is found out when it is asked. */
function held<K extends 'room' | 'headsOf'>(people: GatewayHarness['people'], method: K): { go: () => void } {
  const real = people[method].bind(people) as (...args: unknown[]) => Promise<RoomHead[]>;
  let go: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (go = resolve));
  jest.spyOn(people, method as 'headsOf').mockImplementationOnce(async (...args) => {
    const answer = await real(...args);
    await gate;
    return answer;
  });
  return { go: () => go() };
}
