import { seededRandom } from './seeded-random';
import { SimClock } from './sim-clock';
import { SimIds } from './sim-ids';

describe('the simulated clock', () => {
  it('stands still until it is told to go on', () => {
    const clock = new SimClock();
    const ran: string[] = [];
    clock.after(0, () => ran.push('timer'));
    clock.turnEnd(() => ran.push('end'));
    expect([clock.nowMs(), ran.length]).toEqual([0, 0]);
    expect(clock.wallTime()).toBe('2030-01-01T00:00:00.000Z');
  });

  it('runs timers in the order of their times, at their times, and those of one time in the order set', () => {
    const clock = new SimClock();
    const ran: [string, number][] = [];
    for (const [name, ms] of Object.entries({ c: 30, a: 10, b: 10, d: 31 })) {
      clock.after(ms, () => ran.push([name, clock.nowMs()]));
    }
    clock.advance(30);
    expect(ran).toEqual([
      ['a', 10],
      ['b', 10],
      ['c', 30],
    ]);
    expect(clock.nowMs()).toBe(30);
    expect(clock.nextDueMs).toBe(31);
    expect(clock.wallTime()).toBe('2030-01-01T00:00:00.030Z');
  });

  it('keeps a thousand timers in order', () => {
    const clock = new SimClock();
    const random = seededRandom(7);
    const ran: number[] = [];
    for (let i = 0; i < 1_000; i++) {
      const ms = random.below(500);
      const cancel = clock.after(ms, () => ran.push(ms));
      if (random.chance(0.3)) cancel();
    }
    clock.advance(500);
    expect(ran.length).toBeGreaterThan(500);
    expect(ran).toEqual([...ran].sort((a, b) => a - b));
  });

  it('runs timers that timers set, if they are due in time', () => {
    const clock = new SimClock();
    const ran: number[] = [];
    clock.after(10, () => clock.after(10, () => ran.push(clock.nowMs())));
    clock.advance(19);
    expect(ran).toEqual([]);
    clock.advance(1);
    expect(ran).toEqual([20]);
  });

  it('repeats until it is stopped, also from within', () => {
    const clock = new SimClock();
    const ran: number[] = [];
    const stop = clock.every(10, () => {
      if (ran.push(clock.nowMs()) === 3) stop();
    });
    clock.advance(100);
    expect(ran).toEqual([10, 20, 30]);
  });

  it('ends the turn after each timer, pass by pass', () => {
    const clock = new SimClock();
    const ran: string[] = [];
    const step = (name: string) => () => {
      ran.push(name);
      clock.turnEnd(() => {
        ran.push(`${name} end`);
        clock.turnEnd(() => ran.push(`${name} second end`));
      });
      clock.turnEnd(() => ran.push(`${name} other end`));
    };
    clock.after(1, step('a'));
    clock.after(1, step('b'));
    clock.advance(1);
    expect(ran).toEqual(['a', 'b'].flatMap((n) => [n, `${n} end`, `${n} other end`, `${n} second end`]));
  });

  it('says so when a turn never ends', () => {
    const clock = new SimClock();
    const again = (): void => clock.turnEnd(again);
    clock.turnEnd(again);
    expect(() => clock.advance(0)).toThrow(/never ends/);
  });

  it('lets promises settle after each step when it runs', async () => {
    const clock = new SimClock();
    const ran: string[] = [];
    const wait = (ms: number): Promise<void> => new Promise((resolve) => clock.after(ms, resolve));
    const work = async (): Promise<void> => {
      for (let i = 1; i <= 3; i++) {
        await wait(10);
        ran.push(`${i} at ${clock.nowMs()}`);
        clock.turnEnd(() => ran.push(`end ${i}`));
      }
    };
    const done = work();
    await clock.run(30);
    await done;
    expect(ran).toEqual(['1 at 10', 'end 1', '2 at 20', 'end 2', '3 at 30', 'end 3']);
  });
});

describe('seeded chance', () => {
  it('repeats, differs between seeds and covers its range', () => {
    const draw = (seed: number) => Array.from({ length: 1_000 }, seededRandom(seed).next);
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
    expect(draw(1).every((n) => n >= 0 && n < 1)).toBe(true);
    const mean = draw(3).reduce((a, b) => a + b) / 1_000;
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.05);
    const random = seededRandom(4);
    const counts = new Array<number>(6).fill(0);
    for (let i = 0; i < 6_000; i++) counts[random.below(6)]!++;
    for (const count of counts) expect(Math.abs(count - 1_000)).toBeLessThan(200);
  });

  it('shuffles without losing anything', () => {
    const items = Array.from({ length: 50 }, (_, i) => i);
    const shuffled = seededRandom(5).shuffled(items);
    expect(shuffled).not.toEqual(items);
    expect([...shuffled].sort((a, b) => a - b)).toEqual(items);
  });

  it('forks generators that do not disturb each other', () => {
    const run = (extraDraws: number): number => {
      const random = seededRandom(6);
      const [left, right] = [random.fork(), random.fork()];
      for (let i = 0; i < extraDraws; i++) left.next();
      return right.next();
    };
    expect(run(0)).toBe(run(10));
  });
});

describe('simulated ids', () => {
  it('are UUIDv7 that rise, and the same for the same seed', () => {
    const make = (): string[] => {
      const clock = new SimClock();
      const ids = new SimIds(clock, seededRandom(1));
      return Array.from({ length: 1_000 }, (_, i) => {
        if (i % 100 === 0) clock.advance(1);
        return ids.uuid();
      });
    };
    const made = make();
    expect(make()).toEqual(made);
    expect([...made].sort()).toEqual(made);
    expect(new Set(made).size).toBe(1_000);
    for (const id of made) {
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    }
  });
});
