import { SimClock } from '@troupe/testing';
import { TestSocket } from '../testing/test-socket';
import { SocketOutlet } from './socket-outlet';
import { TurnFlush } from './turn-flush';

const bytes = (text: string | number): Buffer =>
  typeof text === 'string' ? Buffer.from(text) : Buffer.alloc(text, 0x2e);

function outletOf(limits: { highWaterBytes?: number; closeBytes?: number } = {}) {
  const clock = new SimClock();
  const flushes = new TurnFlush(clock);
  const socket = new TestSocket();
  const slow = jest.fn();
  const all = { highWaterBytes: 1_000, closeBytes: 2_000, ...limits };
  const outlet = new SocketOutlet(socket, all, flushes, slow);
  const written = (): string[] => socket.writes.map((write) => write.toString());
  return { clock, flushes, socket, slow, outlet, written };
}

describe('a socket outlet', () => {
  it.each([1, 2, 3, 500])('writes once for %i frames of a turn, in their order', (count) => {
    const { outlet, clock, written } = outletOf({ highWaterBytes: 1e6 });
    const frames = Array.from({ length: count }, (_, i) => `frame ${i};`);
    for (const frame of frames) outlet.write(bytes(frame));
    expect(written()).toEqual([]);
    clock.endTurn();
    expect(written()).toEqual([frames.join('')]);
  });

  it('writes once for messages and replies together, as they came', () => {
    const { outlet, clock, written } = outletOf();
    outlet.write(bytes('a'));
    outlet.control(bytes('b'));
    outlet.write(bytes('c'));
    clock.endTurn();
    expect(written()).toEqual(['abc']);
  });

  it('hands large frames over as they are, in one gathered write', () => {
    const { outlet, clock, socket } = outletOf({ highWaterBytes: 1e6, closeBytes: 2e6 });
    const frames = [bytes(10_000), bytes(20_000), bytes(3)];
    for (const frame of frames) outlet.write(frame);
    clock.endTurn();
    expect(socket.writes.map(({ length }) => length)).toEqual([30_003]);
  });

  it('writes at once when nothing else comes in the turn, and never ahead of what waits', () => {
    const { outlet, clock, written } = outletOf();
    outlet.write(bytes('only'), true);
    expect(written()).toEqual(['only']);
    outlet.write(bytes('first '));
    outlet.write(bytes('last'), true);
    expect(written()).toEqual(['only']);
    clock.endTurn();
    expect(written()).toEqual(['only', 'first last']);
  });

  it('writes nothing in a turn that has nothing for it', () => {
    const { outlet, clock, written } = outletOf();
    outlet.write(bytes('a'));
    clock.endTurn();
    clock.endTurn();
    outlet.flush();
    expect(written()).toEqual(['a']);
  });

  it('stops being writable at the high water, counting what the turn has collected', () => {
    const { outlet, clock, socket } = outletOf();
    socket.hold();
    outlet.write(bytes(999));
    expect(outlet.writable).toBe(true);
    outlet.write(bytes(1));
    expect(outlet.writable).toBe(false);
    clock.endTurn();
    expect([outlet.writable, outlet.unsentBytes, outlet.sentBytes]).toEqual([false, 1_000, 0]);
    socket.release();
    expect([outlet.writable, outlet.unsentBytes, outlet.sentBytes]).toEqual([true, 0, 1_000]);
  });

  it('counts as sent what has been taken, piece by piece', () => {
    const { outlet, clock, socket } = outletOf();
    socket.hold();
    for (const size of [10, 20, 30]) {
      outlet.write(bytes(size));
      clock.endTurn();
    }
    expect(outlet.sentBytes).toBe(0);
    socket.takeOne();
    expect([outlet.sentBytes, outlet.unsentBytes]).toEqual([10, 50]);
    socket.takeOne();
    expect([outlet.sentBytes, outlet.unsentBytes]).toEqual([60, 0]);
  });

  it('gives up a reader that does not even take replies, and not one moment before', () => {
    const { outlet, clock, socket, slow } = outletOf();
    socket.hold();
    outlet.write(bytes(1_000));
    clock.endTurn();
    outlet.control(bytes(1_000));
    expect(slow).not.toHaveBeenCalled();
    outlet.control(bytes(1));
    expect(slow).toHaveBeenCalledTimes(1);
  });

  it('does not mind how much goes by a reader that takes it', () => {
    const { outlet, clock, slow } = outletOf();
    for (let i = 0; i < 100; i++) {
      outlet.control(bytes(1_500));
      clock.endTurn();
    }
    expect(slow).not.toHaveBeenCalled();
  });

  it('gives up a reader whose mailbox overflowed', () => {
    const { outlet, slow } = outletOf();
    outlet.overflow();
    expect(slow).toHaveBeenCalledTimes(1);
  });

  it('finishes with what it has, and takes nothing ever after', () => {
    const { outlet, clock, written } = outletOf();
    outlet.write(bytes('last words'));
    outlet.finish();
    outlet.write(bytes('late'));
    outlet.write(bytes('late'), true);
    outlet.control(bytes('late'));
    clock.endTurn();
    expect(written()).toEqual(['last words']);
  });

  it('abandons what it has, and takes nothing ever after', () => {
    const { outlet, clock, written } = outletOf();
    outlet.write(bytes('lost'));
    outlet.write(bytes('lost'));
    outlet.abandon();
    outlet.write(bytes('late'));
    outlet.write(bytes('late'), true);
    outlet.control(bytes('late'));
    clock.endTurn();
    expect(written()).toEqual([]);
    expect(outlet.unsentBytes).toBe(0);
  });

  it('writes nothing to a socket that is gone', () => {
    const { outlet, clock, socket, written } = outletOf();
    socket.destroy();
    outlet.write(bytes('a'), true);
    outlet.write(bytes('b'));
    clock.endTurn();
    expect(written()).toEqual([]);
  });
});
