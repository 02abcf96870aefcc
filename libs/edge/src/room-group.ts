import { partitionOf } from '@troupe/protocol';
import type { Outlet } from './outlet';

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

export interface JoinOptions {
  /** The room's newest seq as the store has it, or −1 if only the actor knows. */
  head: number;
  /** The session first gets what it missed since this seq. */
  resumeAfter?: number;
  /** The session left before the actor had confirmed: `ready` is not called any more. Not when the session closed. */
  left?: () => void;
  /**
   * The wait for the actor is over and nobody knows the room's head: `ready` is called as soon as it is known, unless
   * the session leaves. Without this the session goes ahead with a head of 0.
   */
  late?: () => void;
}

/** Who waits for a join. */
export interface JoinWaiter extends JoinOptions {
  ready: JoinReady;
}

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
  waiting: JoinWaiter[];
}

/** All sessions of this edge in one room, and how far the room's stream has come here. */
export class RoomGroup {
  readonly partition: number;
  epoch = 0;
  /** The actor has confirmed an attachment: the group knows where it is. */
  attached = false;
  /** Counts what the actor was told about the group's sessions. */
  serial = 0;
  /** The actor has not confirmed the newest serial. */
  unconfirmed = false;
  attachSentAtMs = 0;
  /** When the actor was last told of sessions that come or go. */
  changedAtMs = 0;
  /** The newest seq that was heard of; above `seq` while the stream has a hole. */
  headHeard = -1;
  replayAskedAtMs = -Infinity;
  /** Up to where the replay that was asked for closes the hole. */
  replayUpTo = -1;
  readonly all = new Set<Subscription>();
  readonly live: Subscription[] = [];
  /** The outlets of `live`, at the same places: a broadcast touches these and no other object per session. */
  readonly outlets: Outlet[] = [];
  ahead: Subscription[] = [];
  /** Frames of this turn, not yet given to the sessions. */
  pending: Uint8Array[] = [];
  pendingBytes = 0;

  constructor(
    readonly room: string,
    /** The newest seq received here; −1 while unknown. */
    public seq: number,
  ) {
    this.partition = partitionOf(room);
  }

  addLive(sub: Subscription): void {
    sub.state = 'live';
    sub.index = this.live.push(sub) - 1;
    this.outlets.push(sub.session.outlet);
  }

  removeLive(sub: Subscription): void {
    const last = this.live.pop();
    const outlet = this.outlets.pop();
    if (last && outlet && last !== sub) {
      this.live[sub.index] = last;
      this.outlets[sub.index] = outlet;
      last.index = sub.index;
    }
    sub.index = -1;
  }
}
