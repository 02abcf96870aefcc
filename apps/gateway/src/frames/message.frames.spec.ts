import { privateRoomId } from '@troupe/people';
import { SimClock } from '@troupe/testing';
import { GatewayHarness } from '../testing/gateway-harness';
import { TestActors } from '../testing/test-actors';

describe('sending messages', () => {
  const clock = new SimClock();
  let harness: GatewayHarness;
  let actors: TestActors;
  const setUp = (settings: ConstructorParameters<typeof GatewayHarness>[1] = {}): void => {
    harness = new GatewayHarness(clock, settings);
    actors = new TestActors(harness.otherBus);
  };
  afterEach(() => harness.close());
  const published = (): string[] => actors.of('publish').map(({ text }) => text);

  it('acks with what the actor says and the ids of the sender', async () => {
    setUp();
    harness.room('a', ['alice']);
    const client = await harness.open('alice');
    client.say({ type: 'message', id: '1', room: 'a', text: 'hi', clientId: 'c1', data: { n: 1 } });
    await harness.settle();
    const [command] = actors.of('publish');
    expect(command).toMatchObject({ room: 'a', from: 'alice', text: 'hi', clientId: 'c1', data: { n: 1 } });
    expect(command).not.toHaveProperty('service');
    const at = expect.any(String);
    expect(client.of('ack')).toEqual([
      { type: 'ack', id: '1', room: 'a', seq: 1, messageId: command?.id, at, clientId: 'c1' },
    ]);
    expect(client.texts('a')).toEqual(['hi']);
  });

  it('answers what the actor refuses, with its wait', async () => {
    setUp();
    const client = await harness.open('alice');
    actors.takes = (command) => command.t === 'publish';
    client.say({ type: 'message', id: '1', room: 'a', text: 'hi' });
    await harness.settle();
    const ref = actors.of('publish')[0]?.ref ?? 0;
    actors.control({ c: 'fail', ref, code: 'room_busy', message: 'later', retryAfterMs: 70 });
    await harness.settle();
    expect(client.of('error')).toEqual([
      { type: 'error', id: '1', code: 'room_busy', message: 'later', retryAfterMs: 70 },
    ]);
    expect(client.connection.inFlight).toBe(0);
  });

  it('takes 4,000 characters, whatever their size in bytes, and no more', async () => {
    setUp();
    const client = await harness.open('alice');
    client.say({ type: 'message', id: '1', room: 'a', text: '😀'.repeat(4_000) });
    client.say({ type: 'message', id: '2', room: 'a', text: 'x'.repeat(4_001) });
    await harness.settle();
    expect(published()).toEqual(['😀'.repeat(4_000)]);
    expect(client.of('error')).toMatchObject([{ id: '2', code: 'bad_request' }]);
  });

  it('refuses messages over their rate, and takes them again later', async () => {
    setUp({ settings: { messagesPerSecond: 10, messagesBurst: 3 } });
    const client = await harness.open('alice');
    const say = (): void => client.say({ type: 'message', room: 'a', text: 'x' });
    for (let i = 0; i < 5; i++) say();
    await harness.settle();
    expect(client.of('error')).toMatchObject([
      { code: 'rate_limited', retryAfterMs: 100 },
      { code: 'rate_limited', retryAfterMs: 100 },
    ]);
    await clock.run(100);
    say();
    await harness.settle();
    expect(published()).toHaveLength(4);
  });

  it('refuses more than may be without an answer, also while a private room is being opened', async () => {
    setUp({ settings: { inFlightMax: 3 } });
    await harness.token('bob');
    const client = await harness.open('alice');
    const opening = heldCreate(harness);
    for (let i = 0; i < 5; i++) client.say({ type: 'message', id: `${i}`, to: 'bob', text: `${i}` });
    await harness.settle();
    expect(client.of('error')).toMatchObject([
      { id: '3', code: 'rate_limited' },
      { id: '4', code: 'rate_limited' },
    ]);
    opening.go();
    await harness.until(() => client.of('ack').length === 3);
    expect(client.connection.inFlight).toBe(0);
    expect(published()).toEqual(['0', '1', '2']);
  });

  it('keeps their order when the private room is not known yet, however long its opening takes', async () => {
    setUp();
    await harness.token('bob');
    const client = await harness.open('alice');
    const opening = heldCreate(harness);
    client.say({ type: 'message', to: 'bob', text: 'one' });
    client.say({ type: 'message', to: 'bob', text: 'two' });
    await harness.settle();
    opening.go();
    client.say({ type: 'message', to: 'bob', text: 'three' });
    await harness.until(() => client.of('ack').length === 3);
    expect(published()).toEqual(['one', 'two', 'three']);
    expect(client.of('ack').map((ack) => ack['room'])).toEqual(Array(3).fill(privateRoomId('alice', 'bob')));
    expect(opening.calls()).toBe(1);
  });

  it('opens the room again after it could not be opened', async () => {
    setUp();
    const client = await harness.open('alice');
    client.say({ type: 'message', id: '1', to: 'nobody', text: 'hi' });
    await harness.settle();
    await harness.token('nobody');
    client.say({ type: 'message', id: '2', to: 'nobody', text: 'hi' });
    await harness.until(() => client.of('ack').length === 1);
    expect(client.of('error')).toMatchObject([{ id: '1', code: 'not_found' }]);
    expect(client.connection.inFlight).toBe(0);
  });

  it('refuses a message to oneself', async () => {
    setUp();
    const client = await harness.open('alice');
    client.say({ type: 'message', id: '1', to: 'alice', text: 'hi' });
    await harness.settle();
    expect(client.of('error')).toMatchObject([{ id: '1', code: 'bad_request' }]);
  });
});

/** The first private room to be made takes as long as the test wants; later ones are made at once. */
function heldCreate({ people }: GatewayHarness): { go: () => void; calls: () => number } {
  const create = people.create.bind(people);
  let go: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (go = resolve));
  const spy = jest.spyOn(people, 'create').mockImplementationOnce(async (room) => {
    await gate;
    return create(room);
  });
  return { go: () => go(), calls: () => spy.mock.calls.length };
}
