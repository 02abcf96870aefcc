import type { Outlet } from './outlet';
import type { RoomGroup } from './room-group';

/** A socket, as the fan-out knows it. */
export interface EdgeSession {
  /** Unique within the edge's incarnation. */
  readonly no: number;
  readonly user: string;
  readonly outlet: Outlet;
  readonly subscriptions: Map<string, Subscription>;
  /** The room that is being caught up; one at a time, so that a session with many rooms needs no more memory. */
  catching: Subscription | null;
}

/**
 * - `joining`: the actor has not confirmed yet.
 * - `held`: confirmed; begins when the owner says so.
 * - `live`: gets the group's stream.
 * - `lagging`: its socket was full after `after`; the mailbox at the actor keeps what follows.
 * - `catching`: has asked for a piece.
 * - `ahead`: was sent more than the group's stream has reached yet (the stream has a hole).
 */
export type SubscriptionState = 'joining' | 'held' | 'live' | 'lagging' | 'catching' | 'ahead';

/** `head()`: the seq after which the session gets everything, at the moment of asking. `go()`: begin. */
export type JoinReady = (head: () => number, go: () => void) => void;

/** One session in one room, at the edge. */
export interface Subscription {
  readonly session: EdgeSession;
  readonly group: RoomGroup;
  state: SubscriptionState;
  /** Where to go on, while not live. */
  after: number;
  /** Where the missed messages come from. */
  mode: 'mailbox' | 'history';
  /** Position in the group's list of live subscriptions. */
  index: number;
  /** When the last piece was asked for. */
  askedAtMs: number;
  /** Who is told when the actor has confirmed. */
  waiting: JoinReady[];
}
