import { SystemClock } from './system-clock';

describe('the clock of this machine', () => {
  const clock = new SystemClock();
  const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  it('tells the wall time as RFC 3339 in UTC, and never a stale one', async () => {
    for (let i = 0; i < 3; i++) {
      const before = Date.now();
      const told = clock.wallTime();
      expect(told).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      expect(Date.parse(told)).toBeGreaterThanOrEqual(before);
      expect(Date.parse(told)).toBeLessThanOrEqual(Date.now());
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  });

  it('runs ends of turns in order, and what they queue only in the next pass', async () => {
    const ran: string[] = [];
    clock.turnEnd(() => {
      ran.push('first');
      clock.turnEnd(() => ran.push('third'));
      queueMicrotask(() => ran.push('microtask'));
    });
    clock.turnEnd(() => ran.push('second'));
    expect(ran).toEqual([]);
    await nextTurn();
    expect(ran.slice(0, 2)).toEqual(['first', 'second']);
    await nextTurn();
    expect(ran).toEqual(['first', 'second', 'microtask', 'third']);
  });

  it('gives the others their turn when one throws, and hides nothing', () => {
    const passes: (() => void)[] = [];
    const stepped = new SystemClock((action) => passes.push(action));
    const ran: string[] = [];
    stepped.turnEnd(() => {
      stepped.turnEnd(() => ran.push('queued by the one that throws'));
      throw new Error('bad');
    });
    stepped.turnEnd(() => ran.push('other'));
    expect(() => passes.shift()!()).toThrow('bad');
    expect(passes).toHaveLength(1);
    passes.shift()!();
    expect(ran).toEqual(['other', 'queued by the one that throws']);
    expect(passes).toEqual([]);
  });

  it('cancels what is asked for, once or again and again', async () => {
    const ran: string[] = [];
    clock.after(1, () => ran.push('cancelled'))();
    await new Promise<void>((resolve) => {
      const stop = clock.every(1, () => {
        if (ran.push('tick') < 3) return;
        stop();
        clock.after(5, resolve);
      });
    });
    expect(ran).toEqual(['tick', 'tick', 'tick']);
  });

  it.each([-1, NaN, Infinity, 2 ** 31])(
    'refuses a delay of %d ms, which a timer would turn into none',
    (ms) => {
      expect(() => clock.after(ms, () => undefined)).toThrow(RangeError);
      expect(() => clock.every(ms, () => undefined)).toThrow(RangeError);
    },
  );
});
