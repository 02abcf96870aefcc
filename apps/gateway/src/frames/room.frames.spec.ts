import { SimClock } from '@troupe/testing';
import { GatewayHarness } from '../testing/gateway-harness';
import { TestActors } from '../testing/test-actors';

describe('joining and leaving', () => {
  let harness: GatewayHarness;
  let actors: TestActors;
  beforeEach(() => {
    harness = new GatewayHarness(new SimClock());
    actors = new TestActors(harness.otherBus);
  });
  afterEach(() => harness.close());

  it('starts the stream of an open channel for who is no member, at its head', async () => {
    harness.room('news', [], { kind: 'channel', open: true });
    const client = await harness.open('alice');
    actors.say('news', 'before');
    client.say({ type: 'join', id: '1', room: 'news' });
    await harness.settle();
    actors.say('news', 'after');
    await harness.settle();
    expect(client.of('joined')).toMatchObject([{ id: '1', room: 'news' }]);
    expect(client.texts('news').slice(-1)).toEqual(['after']);
  });

  it.each([
    ['a group of others that is open', { open: true }, 'not_member'],
    ['a group of others', {}, 'not_found'],
    ['a private room of others', { kind: 'private' as const }, 'not_found'],
  ])('does not start the stream of %s', async (_what, options, code) => {
    harness.room('g', ['bob'], options);
    const client = await harness.open('alice');
    client.say({ type: 'join', id: '1', room: 'g' });
    await harness.settle();
    actors.say('g', 'secret');
    await harness.settle();
    expect(client.frames.slice(1)).toMatchObject([{ type: 'error', id: '1', code }]);
    expect(actors.readers('g')).toBe(0);
  });

  it('answers a second join with joined, and delivers once', async () => {
    harness.room('g', ['alice']);
    const client = await harness.open('alice');
    client.say({ type: 'join', id: '1', room: 'g' });
    client.say({ type: 'join', id: '2', room: 'g' });
    await harness.settle();
    actors.say('g', 'hi');
    await harness.settle();
    expect(client.of('joined').map((frame) => frame['id'])).toEqual(['1', '2']);
    expect(client.texts('g')).toEqual(['hi']);
  });

  it('ends the stream for one session only, and starts it again', async () => {
    harness.room('g', ['alice']);
    const here = await harness.open('alice');
    const there = await harness.open('alice');
    here.say({ type: 'leave', id: '1', room: 'g' });
    await harness.settle();
    actors.say('g', 'one');
    await harness.settle();
    here.say({ type: 'join', id: '2', room: 'g' });
    await harness.settle();
    actors.say('g', 'two');
    await harness.settle();
    expect(here.types).toEqual(['welcome', 'left', 'joined', 'message']);
    expect(there.texts('g')).toEqual(['one', 'two']);
  });

  it('answers not_member to leaving what one is not in', async () => {
    const client = await harness.open('alice');
    client.say({ type: 'leave', id: '1', room: 'g' });
    await harness.settle();
    expect(client.frames.slice(1)).toMatchObject([{ type: 'error', id: '1', code: 'not_member' }]);
  });

  it('becomes and stops being a member through the actor, for all sessions of the user', async () => {
    harness.room('g', [], { open: true });
    const here = await harness.open('alice');
    const there = await harness.open('alice');
    here.say({ type: 'group_join', id: '1', room: 'g' });
    await harness.settle();
    here.say({ type: 'group_leave', id: '2', room: 'g' });
    await harness.settle();
    expect(actors.of('member')).toMatchObject([
      { room: 'g', user: 'alice', by: 'alice', change: 'join' },
      { room: 'g', user: 'alice', by: 'alice', change: 'leave' },
    ]);
    expect(here.frames.slice(1)).toMatchObject([
      { type: 'joined', id: '1' },
      { type: 'left', id: '2' },
    ]);
    expect(there.types).toEqual(['welcome', 'joined', 'left']);
    expect(actors.readers('g')).toBe(0);
  });

  it('does not tell a stranger of a refusal that there is such a room', async () => {
    harness.room('g', ['bob']);
    const client = await harness.open('alice');
    actors.takes = (command) => command.t === 'member';
    client.say({ type: 'group_join', id: '1', room: 'g' });
    await harness.settle();
    const ref = actors.of('member')[0]?.ref ?? 0;
    actors.control({ c: 'fail', ref, code: 'forbidden', message: 'by invitation only' });
    await harness.settle();
    expect(client.frames.slice(1)).toMatchObject([{ type: 'error', id: '1', code: 'not_found' }]);
  });
});
