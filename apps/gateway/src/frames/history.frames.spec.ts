import { SimClock } from '@troupe/testing';
import { GatewayHarness } from '../testing/gateway-harness';
import { TestActors } from '../testing/test-actors';

describe('asking for history', () => {
  let harness: GatewayHarness;
  beforeEach(() => {
    harness = new GatewayHarness(new SimClock());
    new TestActors(harness.otherBus);
  });
  afterEach(() => harness.close());

  /** A room of alice's with these texts. */
  function room(id: string, texts: readonly string[], data?: Record<string, unknown>): void {
    harness.room(id, ['alice']);
    texts.forEach((text, i) => {
      const seq = i + 1;
      const message = { room: id, seq, id: `m${seq}`, from: 'bob', text, at: '', ...(data ? { data } : {}) };
      harness.people.rooms.get(id)?.messages.push(message);
    });
  }

  const seqsOf = (frame: { [field: string]: unknown } | undefined): number[] =>
    (frame?.['messages'] as { seq: number }[]).map(({ seq }) => seq);
  const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => `text ${i + 1}`);
  const range = (from: number, to: number): number[] =>
    Array.from({ length: to - from + 1 }, (_, i) => from + i);

  it.each([
    [{}, range(251, 300), true],
    [{ limit: 2 }, [299, 300], true],
    [{ limit: 1_000 }, range(101, 300), true],
    [{ before: 3 }, [1, 2], false],
    [{ before: 4, limit: 2 }, [2, 3], true],
    [{ after: 298 }, [299, 300], false],
    [{ after: 0, limit: 2 }, [1, 2], true],
  ])('gives the page %j', async (page, seqs, more) => {
    room('a', numbers(300));
    const client = await harness.open('alice');
    client.say({ type: 'history', id: '1', room: 'a', ...page });
    await harness.settle();
    const [answer] = client.of('history');
    expect(answer).toMatchObject({ id: '1', room: 'a', more });
    expect(seqsOf(answer)).toEqual(seqs);
  });

  it.each([
    [{ room: 'a', before: 1, after: 1 }, 'bad_request'],
    [{ room: 'nowhere' }, 'not_found'],
    [{ room: 'others' }, 'not_found'],
  ])('refuses %j, and goes on with the next', async (frame, code) => {
    room('a', numbers(1));
    harness.room('others', ['bob']);
    const client = await harness.open('alice');
    client.say({ type: 'history', id: '1', ...frame });
    client.say({ type: 'history', id: '2', room: 'a' });
    await harness.settle();
    expect(client.frames.slice(1)).toMatchObject([
      { type: 'error', id: '1', code },
      { type: 'history', id: '2' },
    ]);
  });

  it('ends a page of long messages early, counted in bytes, from the side that it was asked from', async () => {
    // 4,000 characters that are 12,000 bytes.
    room('a', Array<string>(100).fill('€'.repeat(4_000)));
    const client = await harness.open('alice');
    client.say({ type: 'history', room: 'a', after: 0, limit: 100 });
    client.say({ type: 'history', room: 'a', limit: 100 });
    await harness.settle();
    const [forward, backward] = client.of('history');
    expect(seqsOf(forward)).toEqual(range(1, 10));
    expect(seqsOf(backward)).toEqual(range(91, 100));
    expect([forward?.['more'], backward?.['more']]).toEqual([true, true]);
    for (const { payload } of client.socket.frames) expect(payload.length).toBeLessThan(140_000);
  });

  it('counts data too, and always gives one message', async () => {
    room('a', ['x', 'y'], { blob: '€'.repeat(60_000) });
    const client = await harness.open('alice');
    client.say({ type: 'history', room: 'a' });
    await harness.settle();
    expect(seqsOf(client.of('history')[0])).toEqual([2]);
  });

  it('answers pages asked for at once one after the other, and only as the socket takes them', async () => {
    room('a', Array<string>(100).fill('x'.repeat(16_000)));
    const client = await harness.open('alice');
    const read = jest.spyOn(harness.people, 'history');
    client.socket.hold();
    for (let i = 0; i < 20; i++) client.say({ type: 'history', id: `${i}`, room: 'a' });
    await harness.settle();
    expect(client.connection.state).toBe('open');
    expect(client.connection.outlet.unsentBytes).toBeLessThan(400_000);
    expect(read.mock.calls.length).toBeLessThanOrEqual(3);
    client.socket.release();
    await harness.until(() => client.of('history').length === 20);
    expect(client.of('history').map((frame) => frame['id'])).toEqual(range(0, 19).map(String));
    expect(client.closeCodes).toEqual([]);
  });

  it('refuses what is far too much at once, and answers the rest', async () => {
    room('a', numbers(1));
    const client = await harness.open('alice');
    const read = jest.spyOn(harness.people, 'history');
    for (let i = 0; i < 150; i++) client.say({ type: 'history', room: 'a' });
    await harness.until(() => client.of('history').length + client.of('error').length === 150);
    const errors = client.of('error');
    expect(errors.length).toBeGreaterThan(0);
    expect(new Set(errors.map((frame) => frame['code']))).toEqual(new Set(['rate_limited']));
    expect(read.mock.calls.length).toBe(150 - errors.length);
  });
});
