import type { EdgeSink } from './edge-sink';
import { type PendingMessage, Sequencer } from './sequencer';

const edge: EdgeSink = {
  id: 'edge',
  message: () => undefined,
  ack: () => undefined,
  piece: () => undefined,
  control: () => undefined,
};

function message(id: string, clientId?: string): Parameters<Sequencer['assign']>[0] {
  return {
    room: 'room',
    id,
    from: 'alice',
    clientId,
    text: id,
    data: undefined,
    at: '2030-01-01T00:00:00.000Z',
    replyTo: [{ edge, ref: 1 }],
  };
}

const first = (seq: number): { seq: number; id: string; at: string } => ({ seq, id: 'first', at: 'then' });

describe('a sequencer', () => {
  it('goes on from the head without holes', () => {
    const sequencer = new Sequencer(7, 10);
    expect(['a', 'b', 'c'].map((id) => sequencer.assign(message(id)).seq)).toEqual([8, 9, 10]);
    expect(sequencer.pendingCount).toBe(3);
  });

  it('settles in order only', () => {
    const sequencer = new Sequencer(0, 10);
    const [a, b] = [sequencer.assign(message('a')), sequencer.assign(message('b'))];
    expect(() => sequencer.settle(b)).toThrow('out of order');
    sequencer.settle(a);
    sequencer.settle(b);
    expect(sequencer.pendingCount).toBe(0);
  });

  it('moves those behind a withdrawn message up, and answers its repeats with the first one', () => {
    const sequencer = new Sequencer(0, 10);
    const [a, b, c] = ['a', 'b', 'c'].map((id) => sequencer.assign(message(id))) as [
      PendingMessage,
      PendingMessage,
      PendingMessage,
    ];
    sequencer.withdraw(b, first(99));
    expect([a.seq, c.seq]).toEqual([1, 2]);
    expect(sequencer.repeat('b')).toEqual({ first: first(99) });
    sequencer.settle(a);
    sequencer.settle(c);
    expect(sequencer.assign(message('d')).seq).toBe(3);
  });

  it('knows a repeat by sender and clientId, or by id where there is no clientId', () => {
    const sequencer = new Sequencer(0, 10);
    const pending = sequencer.assign(message('a', 'once'));
    expect(sequencer.repeat(Sequencer.key(message('other', 'once')))).toEqual({ pending });
    expect(sequencer.repeat(Sequencer.key({ ...message('other', 'once'), from: 'bob' }))).toBeUndefined();
    expect(sequencer.repeat(Sequencer.key(message('a')))).toBeUndefined();
    sequencer.settle(pending);
    expect(sequencer.repeat(Sequencer.key(message('other', 'once')))).toEqual({
      first: { seq: 1, id: 'a', at: pending.at },
    });
  });

  it('forgets what it abandons, so that a repeat is asked of the store', () => {
    const sequencer = new Sequencer(3, 10);
    const pending = [sequencer.assign(message('a')), sequencer.assign(message('b'))];
    expect(sequencer.abandon()).toEqual(pending);
    expect(pending.every((m) => m.abandoned)).toBe(true);
    expect(sequencer.repeat('a')).toBeUndefined();
    expect(sequencer.assign(message('a')).seq).toBe(4);
  });
});
