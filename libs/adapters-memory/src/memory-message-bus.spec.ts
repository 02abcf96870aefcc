import { BusUnavailable, NoResponders, RequestTimeout } from '@troupe/ports';
import { subjects } from '@troupe/protocol';
import { SimClock } from '@troupe/testing';
import { MemoryBusHub } from './memory-bus-hub';
import { MemoryMessageBus } from './memory-message-bus';

const room = subjects.roomEvents('room');
const bytes = (value: string): Buffer => Buffer.from(value);
const unexpected = (error: unknown): never => {
  throw error;
};

/** A hub that delivers when the test says so. */
function steppedHub(options: { messagesMax?: number; bytesMax?: number } = {}) {
  const due: { drain: () => void; yielding: boolean }[] = [];
  const hub = new MemoryBusHub({
    ...options,
    schedule: (drain, yielding) => due.push({ drain, yielding }),
  });
  return { hub, due, step: () => due.shift()?.drain() };
}

describe('the bus in process', () => {
  it('delivers what a handler publishes in the same drain, after what waits already', () => {
    const { hub, due, step } = steppedHub();
    const bus = new MemoryMessageBus({ hub, onHandlerError: unexpected });
    const got: string[] = [];
    bus.subscribe(room, (m) => {
      got.push(Buffer.from(m.payload).toString());
      if (got.length === 1) bus.publish(room, bytes('nested'));
    });
    bus.publish(room, bytes('1'));
    bus.publish(room, bytes('2'));
    step();
    expect(got).toEqual(['1', '2', 'nested']);
    expect(due).toEqual([]);
  });

  it('lets the event loop go on between handlers that answer each other for ever', () => {
    const { hub, due, step } = steppedHub();
    const bus = new MemoryMessageBus({ hub, onHandlerError: unexpected });
    let count = 0;
    bus.subscribe(room, (m) => {
      count++;
      bus.publish(room, m.payload);
    });
    bus.publish(room, bytes('x'));
    step();
    expect(due.map((d) => d.yielding)).toEqual([true]);
    const first = count;
    step();
    expect(count).toBe(2 * first);
  });

  it('does not stop timers while messages keep coming', async () => {
    const bus = new MemoryMessageBus({ onHandlerError: unexpected });
    const subscription = bus.subscribe(room, (m) => bus.publish(room, m.payload));
    bus.publish(room, bytes('x'));
    await new Promise((resolve) => setTimeout(resolve, 1));
    subscription.unsubscribe();
  });

  it('refuses more messages than may wait, and takes them again once they are delivered', () => {
    const { hub, step } = steppedHub({ messagesMax: 3 });
    const bus = new MemoryMessageBus({ hub, onHandlerError: unexpected });
    let got = 0;
    bus.subscribe(room, () => got++);
    for (let i = 0; i < 3; i++) bus.publish(room, bytes('x'));
    expect(() => bus.publish(room, bytes('x'))).toThrow(BusUnavailable);
    step();
    bus.publish(room, bytes('x'));
    step();
    expect(got).toBe(4);
  });

  it('refuses more bytes than may wait', () => {
    const { hub, step } = steppedHub({ bytesMax: 1_000 });
    const bus = new MemoryMessageBus({ hub, onHandlerError: unexpected });
    bus.subscribe(room, () => undefined);
    bus.publish(room, Buffer.alloc(600));
    bus.publish(room, Buffer.alloc(600));
    expect(() => bus.publish(room, bytes('x'))).toThrow(BusUnavailable);
    step();
    bus.publish(room, Buffer.alloc(600));
  });

  it('counts nothing for what nobody wants', () => {
    const { hub } = steppedHub({ messagesMax: 1 });
    const bus = new MemoryMessageBus({ hub, onHandlerError: unexpected });
    for (let i = 0; i < 10; i++) bus.publish(room, bytes('x'));
  });

  it('gives each member of a group its turn, also when they joined by different patterns', () => {
    const { hub, step } = steppedHub();
    const bus = new MemoryMessageBus({ hub, onHandlerError: unexpected });
    const got: string[] = [];
    bus.subscribe(room, () => got.push('a'), { queue: 'q' });
    bus.subscribe(room, () => got.push('b'), { queue: 'q' });
    bus.subscribe(subjects.allRoomEvents, () => got.push('c'), { queue: 'q' });
    for (let i = 0; i < 6; i++) bus.publish(room, bytes('x'));
    step();
    expect(got).toEqual(['a', 'b', 'c', 'a', 'b', 'c']);
  });

  it('times requests by the clock that it was given', async () => {
    const clock = new SimClock();
    const bus = new MemoryMessageBus({ onHandlerError: unexpected, clock });
    bus.subscribe(room, () => undefined);
    const outcome = expect(bus.request(room, bytes('?'), { timeoutMs: 3_600_000 })).rejects.toThrow(
      RequestTimeout,
    );
    await clock.run(3_600_000);
    await outcome;
    expect(clock.nextDueMs).toBeUndefined();
  });
});

describe('a bus that is cut off', () => {
  function pair() {
    const { hub, step } = steppedHub();
    const [pod, other] = [hub, hub].map((h) => new MemoryMessageBus({ hub: h, onHandlerError: unexpected }));
    return { pod: pod!, other: other!, step };
  }

  it('loses what is on its way to it, sends nothing, and is no responder', async () => {
    const { pod, other, step } = pair();
    const got: string[] = [];
    pod.subscribe(room, (m) => got.push(Buffer.from(m.payload).toString()));
    other.publish(room, bytes('on its way'));
    pod.cut();
    step();
    expect(pod.connected).toBe(false);
    expect(() => pod.publish(room, bytes('x'))).toThrow(BusUnavailable);
    const outcome = expect(other.request(room, bytes('?'), { timeoutMs: 1_000 })).rejects.toThrow(
      NoResponders,
    );
    step();
    await outcome;
    pod.heal();
    other.publish(room, bytes('after'));
    step();
    expect(got).toEqual(['after']);
  });

  it('has its subscriptions back before it says so, those made meanwhile too', () => {
    const { pod, other, step } = pair();
    const got: string[] = [];
    const dropped = pod.subscribe(room, () => got.push('dropped'));
    pod.onConnection((connected) => {
      got.push(connected ? 'up' : 'down');
      if (connected) other.publish(room, bytes('x'));
    });
    pod.cut();
    pod.cut();
    dropped.unsubscribe();
    pod.subscribe(room, () => got.push('made meanwhile'));
    pod.heal();
    step();
    expect(got).toEqual(['down', 'up', 'made meanwhile']);
  });

  it('ends its requests under way: their outcome is unknown', async () => {
    const { pod, other } = pair();
    other.subscribe(room, () => undefined);
    const outcome = expect(pod.request(room, bytes('?'), { timeoutMs: 60_000 })).rejects.toThrow(
      RequestTimeout,
    );
    pod.cut();
    await outcome;
  });

  it('can be closed', async () => {
    const { pod } = pair();
    pod.subscribe(room, () => undefined);
    pod.cut();
    await pod.close();
    pod.heal();
    expect(pod.connected).toBe(false);
  });
});
