import { SimClock } from '@troupe/testing';
import { TestSocket } from '../testing/test-socket';
import { SocketOutlet } from './socket-outlet';
import { TurnFlush } from './turn-flush';

const LIMITS = { highWaterBytes: 1_000, closeBytes: 2_000 };

describe('the end of a turn', () => {
  const clock = new SimClock();
  const flush = new TurnFlush(clock);
  const sockets = [new TestSocket(), new TestSocket(), new TestSocket()];
  const outlets = sockets.map((s) => new SocketOutlet(s, LIMITS, flush, () => undefined));
  const written = (): string[][] => sockets.map((s) => s.writes.map(String));
  beforeEach(() => {
    for (const socket of sockets) socket.writes.length = 0;
    flush.distribute = () => undefined;
  });

  it('distributes first and writes then, all in one write for each socket', () => {
    flush.distribute = () => outlets.forEach((outlet) => outlet.write(Buffer.from('message')));
    outlets[0]?.write(Buffer.from('reply '));
    clock.endTurn();
    expect(written()).toEqual([['reply message'], ['message'], ['message']]);
  });

  it('comes once in a turn, however much asks for it', () => {
    const distribute = jest.fn();
    flush.distribute = distribute;
    for (let i = 0; i < 10; i++) {
      flush.schedule();
      outlets[i % 3]?.write(Buffer.from('x'));
    }
    clock.endTurn();
    expect(distribute).toHaveBeenCalledTimes(1);
    expect(written()).toEqual([['xxxx'], ['xxx'], ['xxx']]);
  });

  it('comes again in the next turn', () => {
    for (const text of ['a', 'b']) {
      outlets[0]?.write(Buffer.from(text));
      clock.endTurn();
    }
    expect(written()[0]).toEqual(['a', 'b']);
  });

  it('comes for what is distributed although nobody has written yet', () => {
    flush.distribute = () => outlets[2]?.write(Buffer.from('message'));
    flush.schedule();
    clock.endTurn();
    expect(written()).toEqual([[], [], ['message']]);
  });

  it('leaves to the next turn what is written while sockets are being written', () => {
    const more = jest.fn(() => outlets[1]?.write(Buffer.from('later')));
    outlets[0]?.write(Buffer.from('now'));
    const write = jest.spyOn(outlets[0] as SocketOutlet, 'flush').mockImplementationOnce(() => more());
    clock.endTurn();
    write.mockRestore();
    expect(written()[1]).toEqual(['later']);
    clock.endTurn();
  });
});
