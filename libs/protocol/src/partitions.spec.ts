import { PARTITIONS, partitionOf } from './partitions';

describe('the partition of a room', () => {
  // Computed by another implementation of FNV-1a. If one of these changes, pods of two versions disagree on owners.
  it.each([
    ['lobby', 137],
    ['a', 32],
    ['b', 233],
    ['room-1', 8],
    ['0', 163],
    ['general', 210],
    ['p_alice_bob', 230],
    ['0190a8f0-0000-7000-8000-000000000000', 8],
    ['_', 98],
    ['-', 52],
    ['A'.repeat(64), 196],
  ])('of %s is %i for ever', (room, partition) => expect(partitionOf(room)).toBe(partition));

  it('is 256 slices, which are part of the wire contract', () => expect(PARTITIONS).toBe(256));

  it.each<[string, (i: number) => string]>([
    ['numbered rooms', (i) => `room-${i}`],
    ['short ids', (i) => i.toString(36)],
    [
      'UUIDs that rise',
      (i) =>
        `0190a8f0-0000-7${(i >>> 8).toString(16).padStart(3, '0')}-8000-00000000${(i * 7919).toString(16).padStart(4, '0')}`,
    ],
    ['private rooms', (i) => `p_user${i % 200}_user${Math.floor(i / 200)}`],
  ])('spreads %s evenly', (_, name) => {
    const count = 51_200;
    const counts = new Array<number>(PARTITIONS).fill(0);
    for (let i = 0; i < count; i++) counts[partitionOf(name(i))]!++;
    const expected = count / PARTITIONS;
    // Chi-squared with 255 degrees of freedom: above 370 in one of 10^6 even spreads.
    const chi2 = counts.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
    expect(chi2).toBeLessThan(370);
  });
});
