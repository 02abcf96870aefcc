import { publisherSlot } from './socket-set';

describe('The publishers of a room', () => {
  it.each([
    [10, 1],
    [1_000, 1],
    [1_000, 64],
    [64, 64],
  ])('of %i members are %i, spread, and the first of them is the last member', (members, publishers) => {
    const slots = Array.from({ length: members }, (_, member) => publisherSlot(member, members, publishers));
    const chosen = slots.filter((slot) => slot >= 0);
    expect([...chosen].sort((a, b) => a - b)).toEqual(Array.from({ length: publishers }, (_, slot) => slot));
    expect(slots[members - 1]).toBe(0);
  });
});
