import { WorkLane } from './work-lane';

/** A task that ends when it is told to. */
function gate(log: string[], name: string) {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  const task = async () => {
    log.push(`+${name}`);
    await opened;
    log.push(`-${name}`);
  };
  return { task, open: () => open() };
}
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('a work lane', () => {
  it('runs so many at once, lets so many wait in order, and refuses the rest', async () => {
    const log: string[] = [];
    const lane = new WorkLane(2, 1);
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => gate(log, name));
    expect([a, b, c, d].map((g) => lane.offer(g!.task))).toEqual([true, true, true, false]);
    expect(log).toEqual(['+a', '+b']);
    b!.open();
    await settled();
    expect(log).toEqual(['+a', '+b', '-b', '+c']);
    expect(lane.offer(d!.task)).toBe(true);
    for (const g of [a, c, d]) g!.open();
    await lane.idle();
    expect(log.filter((line) => line.startsWith('-')).sort()).toEqual(['-a', '-b', '-c', '-d']);
  });

  it('is idle only when the last task that waited has ended', async () => {
    const log: string[] = [];
    const lane = new WorkLane(1, 10);
    await lane.idle();
    const tasks = ['a', 'b', 'c'].map((name) => gate(log, name));
    for (const g of tasks) lane.offer(g.task);
    const idle = lane.idle().then(() => log.push('idle'));
    for (const g of tasks) {
      g.open();
      await settled();
    }
    await idle;
    expect(log).toEqual(['+a', '-a', '+b', '-b', '+c', '-c', 'idle']);
  });
});
