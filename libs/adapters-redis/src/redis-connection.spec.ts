import { backoffMs } from './redis-connection';

describe('the back-off of the Redis connection', () => {
  it('doubles from 50 ms and stays below what a return within 5 s allows, with jitter on top', () => {
    expect([1, 2, 3, 4, 5, 6, 7, 1_000].map((attempt) => backoffMs(attempt, 0))).toEqual([
      50, 100, 200, 400, 800, 1_000, 1_000, 1_000,
    ]);
    expect(backoffMs(1_000, 0.999)).toBeLessThanOrEqual(1_500);
  });
});
