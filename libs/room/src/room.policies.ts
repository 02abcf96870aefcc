import type { ErrorCode, Role, RoomKind } from '@troupe/protocol';

/** Who asks for something. */
export interface Actor {
  user: string;
  /** A service with the scope that the action needs: `publish` for posting, `rooms` for members. */
  service: boolean;
  /** The role in this room, or null for somebody who is no member. */
  role: Role | null;
}

/** What a policy looks at besides the actor. */
export interface RoomFacts {
  open: boolean;
  members: number;
}

/** Allowed, or the code of the refusal. */
export type Verdict = 'yes' | Extract<ErrorCode, 'not_member' | 'forbidden' | 'not_found' | 'conflict'>;

/**
 * The rules of one kind of room. A new kind is one object here and touches no other code: every kind goes through the
 * same publish, the same mailboxes and the same history.
 */
export interface RoomPolicy {
  mayPost(actor: Actor, room: RoomFacts): Verdict;
  /** May `actor` make `user` (who has the role `current` now) a member with `role`? */
  mayAdd(actor: Actor, user: { user: string; current: Role | null; role: Role }, room: RoomFacts): Verdict;
  /** May `actor` take `user`, who has the role `current`, out? */
  mayRemove(actor: Actor, user: { user: string; current: Role }, room: RoomFacts): Verdict;
  /** May somebody who is no member read along and join as a reader? */
  mayRead(actor: Actor, room: RoomFacts): Verdict;
}

/** Exactly two members, for ever. */
const privatePolicy: RoomPolicy = {
  // Two people's own: a service may post as one of them, on their behalf, but not as itself.
  mayPost: (actor) => (actor.role ? 'yes' : 'not_found'),
  mayAdd: () => 'forbidden',
  mayRemove: () => 'forbidden',
  mayRead: (actor) => (actor.role ? 'yes' : 'not_found'),
};

const rank: Record<Role, number> = { member: 0, admin: 1, owner: 2 };

/** Members come and go: by themselves where the group is open, else by an owner or admin. */
const groupPolicy: RoomPolicy = {
  mayPost(actor, room) {
    if (actor.role || actor.service) return 'yes';
    return room.open ? 'not_member' : 'not_found';
  },
  mayAdd(actor, { user, current, role }, room) {
    if (actor.service) return 'yes';
    if (actor.user === user) {
      if (current) return role === current ? 'yes' : 'forbidden';
      return room.open && role === 'member' ? 'yes' : room.open ? 'forbidden' : 'not_found';
    }
    if (!actor.role) return room.open ? 'forbidden' : 'not_found';
    // Nobody gives a role above their own, or changes somebody who stands above or beside them.
    const above = rank[actor.role] > rank[current ?? 'member'] || actor.role === 'owner';
    return rank[actor.role] >= rank.admin && above && rank[role] <= rank[actor.role] ? 'yes' : 'forbidden';
  },
  mayRemove(actor, { user, current }) {
    if (actor.service || actor.user === user) return 'yes';
    if (!actor.role) return 'not_found';
    return rank[actor.role] > rank[current] ? 'yes' : 'forbidden';
  },
  mayRead: (actor, room) => (actor.role || room.open ? 'yes' : 'not_found'),
};

/** Services write; readers need no membership unless the channel is private (not open, with members). */
const channelPolicy: RoomPolicy = {
  mayPost(actor, room) {
    if (actor.service) return 'yes';
    return mayReadChannel(actor, room) ? 'forbidden' : 'not_found';
  },
  mayAdd: (actor) => (actor.service ? 'yes' : 'forbidden'),
  mayRemove: (actor, { user }) => (actor.service || actor.user === user ? 'yes' : 'forbidden'),
  mayRead: (actor, room) => (mayReadChannel(actor, room) ? 'yes' : 'not_found'),
};

function mayReadChannel(actor: Actor, room: RoomFacts): boolean {
  return actor.role !== null || room.open || room.members === 0;
}

/** The policy of each kind. */
export const ROOM_POLICIES: Readonly<Record<RoomKind, RoomPolicy>> = {
  private: privatePolicy,
  group: groupPolicy,
  channel: channelPolicy,
};
