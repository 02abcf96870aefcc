import { Coverage } from './coverage';

function follow(steps: readonly (number | readonly [number, number])[]): Coverage {
  const coverage = new Coverage();
  for (const step of steps) {
    if (typeof step === 'number') coverage.message(step);
    else coverage.gap(step[0], step[1]);
  }
  return coverage;
}

describe('The account of a reader that had stopped', () => {
  it('is whole when messages and gaps follow each other without a hole', () => {
    const coverage = follow([5, 6, [7, 20], 21, 22]);
    expect(coverage.summary(false)).toEqual({
      received: 4,
      announced: 14,
      gaps: 1,
      silent: 0,
      disordered: 0,
      closed: false,
    });
    expect(coverage.last).toBe(22);
  });

  it('counts what nobody announced as silent', () => {
    expect(follow([1, 4, [7, 8], 9]).summary(false)).toMatchObject({ received: 3, announced: 2, silent: 4 });
  });

  it('counts repeats, steps back and gaps over what was delivered as disorder', () => {
    expect(follow([1, 2, 2, 1, [2, 4], 5]).summary(false)).toMatchObject({ disordered: 3 });
  });

  it('starts over without forgetting where the reader is', () => {
    const coverage = follow([1, 2, 3]);
    coverage.restart();
    coverage.message(6);
    expect(coverage.summary(true)).toMatchObject({ received: 1, silent: 2, closed: true });
  });
});
