import { MemoryMessageBus } from '@troupe/adapters-memory';
import { GatewayStreamWriter, subjects } from '@troupe/protocol';
import { SimClock } from '@troupe/testing';
import { type PublishResult, RoomLink } from './room-link';

const PIECE = { room: 'room', session: 1, epoch: 1, after: 0, upTo: 1, live: true };
const MIB = 1024 * 1024;

function open() {
  const clock = new SimClock();
  const onHandlerError = (error: unknown): void => {
    throw error;
  };
  const bus = new MemoryMessageBus({ clock, onHandlerError });
  const failures: string[] = [];
  const seen: string[] = [];
  const broken = (what: string): never => {
    throw new Error(what);
  };
  const link = new RoomLink(
    'edge',
    { bus, clock },
    { deadlineMs: 5_000, retryMs: 1_000, pendingMax: 1_000 },
    {
      message: (room, _epoch, seq) => (room === 'broken' ? broken('message') : seen.push(`${room} ${seq}`)),
      piece: () => broken('piece'),
      control: () => broken('control'),
      ownerChanged: () => undefined,
      reconnected: () => undefined,
      failed: (error) => failures.push((error as Error).message),
    },
  );
  link.start();
  return { clock, bus, link, failures, seen };
}

describe('a link', () => {
  it('brings every other record of a bus message when the readers of some throw', async () => {
    const { clock, bus, link, failures, seen } = open();
    const results: PublishResult[] = [];
    link.publish({ room: 'room', from: 'alice', id: 'one', text: '' }, () => {
      throw new Error('answer');
    });
    link.publish({ room: 'room', from: 'alice', id: 'two', text: '' }, (result) => results.push(result));

    const stream = new GatewayStreamWriter();
    const body = Buffer.from('{}');
    stream.message('broken', 1, 1, body);
    stream.message('room', 1, 1, body);
    stream.piece(PIECE, [body]);
    stream.control({ c: 'event', room: 'room', frame: '{}' });
    for (const ref of [1, 2])
      stream.ack({ ref, seq: ref, duplicate: false, id: '0'.repeat(36), at: clock.wallTime() });
    stream.message('room', 1, 2, body);
    bus.publish(subjects.gateway('edge'), stream.take());
    await clock.settle();

    expect(seen).toEqual(['room 1', 'room 2']);
    expect(results).toMatchObject([{ seq: 2 }]);
    expect(failures).toEqual(['message', 'piece', 'control', 'answer']);
  });

  it.each([
    ['text', { text: 'x'.repeat(MIB) }],
    ['data', { text: '', data: { long: 'x'.repeat(MIB) } }],
  ])('takes no more than it may hold in bytes of %s, until some are answered', async (_, content) => {
    const { clock, link } = open();
    const refused: PublishResult[] = [];
    const publish = (count: number): void => {
      for (let i = 0; i < count; i++)
        link.publish({ room: 'room', from: 'alice', id: `id-${i}`, ...content }, (result) =>
          refused.push(result),
        );
    };
    publish(70);
    expect(link.pending).toBe(64);
    expect(refused).toHaveLength(6);
    link.control({ c: 'fail', ref: 1, code: 'room_busy', message: '' });
    publish(2);
    expect(link.pending).toBe(64);
    link.stop();
    await clock.settle();
    expect(refused).toHaveLength(72);
  });
});
