import { ROLES, ROOM_KINDS, type Role, type RoomKind } from '@troupe/protocol';
import { type Actor, ROOM_POLICIES, type RoomFacts } from './room.policies';

/** Who acts, as a column of the tables below. */
const ACTORS = ['service', 'owner', 'admin', 'member', 'stranger'] as const;
type Column = (typeof ACTORS)[number];

const actor = (column: Column): Actor => ({
  user: 'actor',
  service: column === 'service',
  role: column === 'service' || column === 'stranger' ? null : column,
});
const open: RoomFacts = { open: true, members: 3 };
const closed: RoomFacts = { open: false, members: 3 };

const row = (verdict: (column: Column) => string): string => ACTORS.map(verdict).join(' ');

describe('who may post (service owner admin member stranger)', () => {
  const post = (kind: RoomKind, facts: RoomFacts): string =>
    row((column) => ROOM_POLICIES[kind].mayPost(actor(column), facts));

  it.each<[RoomKind, RoomFacts, string]>([
    ['private', closed, 'not_found yes yes yes not_found'],
    ['group', closed, 'yes yes yes yes not_found'],
    ['group', open, 'yes yes yes yes not_member'],
    ['channel', open, 'yes forbidden forbidden forbidden forbidden'],
    ['channel', closed, 'yes forbidden forbidden forbidden not_found'],
  ])('in a %s room, %j', (kind, facts, verdicts) => expect(post(kind, facts)).toBe(verdicts));
});

describe('who may read along (service owner admin member stranger)', () => {
  const read = (kind: RoomKind, facts: RoomFacts): string =>
    row((column) => ROOM_POLICIES[kind].mayRead(actor(column), facts));

  it.each<[RoomKind, RoomFacts, string]>([
    ['private', closed, 'not_found yes yes yes not_found'],
    ['group', closed, 'not_found yes yes yes not_found'],
    ['group', open, 'yes yes yes yes yes'],
    ['channel', closed, 'not_found yes yes yes not_found'],
    ['channel', open, 'yes yes yes yes yes'],
    ['channel', { open: false, members: 0 }, 'yes yes yes yes yes'],
  ])('in a %s room, %j', (kind, facts, verdicts) => expect(read(kind, facts)).toBe(verdicts));
});

describe('who may add another user (service owner admin member stranger)', () => {
  const add = (kind: RoomKind, facts: RoomFacts, current: Role | null, role: Role): string =>
    row((column) => ROOM_POLICIES[kind].mayAdd(actor(column), { user: 'other', current, role }, facts));

  it.each<[RoomKind, RoomFacts, Role | null, Role, string]>([
    ['private', closed, null, 'member', 'forbidden forbidden forbidden forbidden forbidden'],
    ['channel', open, null, 'member', 'yes forbidden forbidden forbidden forbidden'],
    ['group', closed, null, 'member', 'yes yes yes forbidden not_found'],
    ['group', open, null, 'member', 'yes yes yes forbidden forbidden'],
    ['group', closed, null, 'admin', 'yes yes yes forbidden not_found'],
    ['group', closed, null, 'owner', 'yes yes forbidden forbidden not_found'],
    ['group', closed, 'member', 'admin', 'yes yes yes forbidden not_found'],
    ['group', closed, 'admin', 'member', 'yes yes forbidden forbidden not_found'],
    ['group', closed, 'owner', 'member', 'yes yes forbidden forbidden not_found'],
  ])('in a %s room, %j: from %s to %s', (kind, facts, current, role, verdicts) =>
    expect(add(kind, facts, current, role)).toBe(verdicts),
  );
});

describe('joining and leaving by oneself', () => {
  const join = (kind: RoomKind, facts: RoomFacts, current: Role | null, role: Role): string =>
    ROOM_POLICIES[kind].mayAdd(
      { user: 'me', service: false, role: current },
      { user: 'me', current, role },
      facts,
    );

  it.each<[RoomKind, RoomFacts, Role | null, Role, string]>([
    ['group', open, null, 'member', 'yes'],
    ['group', open, null, 'admin', 'forbidden'],
    ['group', closed, null, 'member', 'not_found'],
    ['group', open, 'member', 'member', 'yes'],
    ['group', open, 'member', 'owner', 'forbidden'],
    ['group', closed, 'owner', 'owner', 'yes'],
    ['private', closed, null, 'member', 'forbidden'],
    ['channel', open, null, 'member', 'forbidden'],
  ])('joins a %s room, %j, being %s, as %s: %s', (kind, facts, current, role, verdict) =>
    expect(join(kind, facts, current, role)).toBe(verdict),
  );

  it.each<[RoomKind, string]>([
    ['private', 'forbidden'],
    ['group', 'yes'],
    ['channel', 'yes'],
  ])('leaves a %s room: %s', (kind, verdict) => {
    for (const role of ROLES) {
      const me: Actor = { user: 'me', service: false, role };
      expect(ROOM_POLICIES[kind].mayRemove(me, { user: 'me', current: role }, closed)).toBe(verdict);
    }
  });
});

describe('who may take another user out (service owner admin member stranger)', () => {
  const remove = (kind: RoomKind, current: Role): string =>
    row((column) => ROOM_POLICIES[kind].mayRemove(actor(column), { user: 'other', current }, closed));

  it.each<[RoomKind, Role, string]>([
    ['private', 'member', 'forbidden forbidden forbidden forbidden forbidden'],
    ['channel', 'member', 'yes forbidden forbidden forbidden forbidden'],
    ['group', 'member', 'yes yes yes forbidden not_found'],
    ['group', 'admin', 'yes yes forbidden forbidden not_found'],
    ['group', 'owner', 'yes forbidden forbidden forbidden not_found'],
  ])('of a %s room: a %s', (kind, current, verdicts) => expect(remove(kind, current)).toBe(verdicts));

  it('has rules for every kind', () => {
    expect(Object.keys(ROOM_POLICIES).sort()).toEqual([...ROOM_KINDS].sort());
  });
});
