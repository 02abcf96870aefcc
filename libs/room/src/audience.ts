import { MailboxLedger, Ring, type RingLimits } from '@troupe/actor-core';
import type { EdgeSink } from './edge-sink';

/** Cursor of a session that gets the room's stream through its edge and has no mailbox. */
const LIVE = -1;
/** Cursor of a session that reads history and is in nobody's books until it comes within the ring. */
const RETURNING = -2;

/** A session in a room: two numbers. This is all that a reader costs the room. */
class Mailbox {
  cursor = LIVE;
  /**
   * Up to here the books are closed for this session: told, dropped, or from before it came. What lies between here
   * and the cursor (while live: the head) was handed over, and can still come back.
   */
  closed: number;

  constructor(head: number) {
    this.closed = head;
  }
}

type Edge = Map<number, Mailbox>;

export type SessionOfUser = readonly [session: number, user: string];

/** What a lagging session reads next. */
export interface Reading {
  gap: { from: number; to: number } | null;
  bodies: Uint8Array[];
  upTo: number;
  live: boolean;
}

/**
 * Who reads a room: edges, their sessions, and the mailboxes of those that lag.
 *
 * A broadcast touches each edge once and no session. The ring exists while the room is awake; attachments outlive it.
 */
export class Audience {
  private ring: Ring | null = null;
  private readonly edges = new Map<EdgeSink, Edge>();
  /** The head when this owner first had a ring: nothing before it is in the books. */
  private firstHead = -1;
  /** The head while the room sleeps. */
  private lastHead = -1;
  readonly ledger = new MailboxLedger();

  constructor(
    private readonly room: string,
    private readonly limits: RingLimits,
  ) {}

  /** The ring is there: mailboxes can be read. */
  get isAwake(): boolean {
    return this.ring !== null;
  }

  get edgeCount(): number {
    return this.edges.size;
  }

  /** The newest seq that went out. */
  get head(): number {
    return this.ring?.head ?? this.lastHead;
  }

  get floor(): number {
    return this.ring?.floor ?? 0;
  }

  /** The ring starts, empty, after `head`. */
  wake(head: number): void {
    this.ring = new Ring(this.limits, head);
    if (this.firstHead < 0) this.firstHead = head;
  }

  /** The ring goes. Only while nobody lags: what a mailbox keeps is in the ring. */
  sleep(): void {
    if (this.ledger.laggingCount > 0) throw new Error('asleep with lagging readers');
    this.lastHead = this.ring?.head ?? this.lastHead;
    this.ring = null;
  }

  attach(edge: EdgeSink, sessions: readonly SessionOfUser[]): void {
    if (sessions.length === 0) return;
    let known = this.edges.get(edge);
    if (!known) this.edges.set(edge, (known = new Map()));
    for (const [session] of sessions) {
      if (known.has(session)) continue;
      known.set(session, new Mailbox(this.ring?.head ?? this.lastHead));
      this.ledger.enterLive();
    }
  }

  /** Keeps only these of an edge's sessions. */
  retain(edge: EdgeSink, sessions: readonly SessionOfUser[]): void {
    const kept = new Set(sessions.map(([session]) => session));
    for (const session of [...(this.edges.get(edge)?.keys() ?? [])]) {
      if (!kept.has(session)) this.detach(edge, session);
    }
  }

  detach(edge: EdgeSink, session: number): void {
    const sessions = this.edges.get(edge);
    const mailbox = sessions?.get(session);
    if (!sessions || !mailbox) return;
    this.leave(mailbox);
    sessions.delete(session);
    if (sessions.size === 0) this.edges.delete(edge);
  }

  detachEdge(edge: EdgeSink): void {
    const sessions = this.edges.get(edge);
    if (!sessions) return;
    for (const mailbox of sessions.values()) this.leave(mailbox);
    this.edges.delete(edge);
  }

  detachAll(): void {
    for (const edge of [...this.edges.keys()]) this.detachEdge(edge);
  }

  sessionsOf(edge: EdgeSink): number {
    return this.edges.get(edge)?.size ?? 0;
  }

  /** Appends a message and hands it to each edge, once. */
  broadcast(epoch: number, body: Uint8Array): void {
    const ring = this.awake();
    const floorBefore = ring.floor;
    const seq = ring.append(body);
    this.ledger.appended();
    for (let floor = floorBefore + 1; floor <= ring.floor; floor++) this.ledger.floorRose(floor);
    for (const edge of this.edges.keys()) edge.message(this.room, epoch, seq, body);
  }

  /** Tells each edge where the room is, so that a lost last message is found. */
  tellHead(epoch: number): void {
    const { head } = this.awake();
    for (const [edge, { size }] of this.edges) {
      edge.control({ c: 'head', room: this.room, epoch, head, sessions: size });
    }
  }

  /** Hands a frame to every session but those of `except`, without a place in the order. */
  event(frame: string, except: string): void {
    for (const edge of this.edges.keys()) edge.control({ c: 'event', room: this.room, frame, except });
  }

  /**
   * A session has everything up to `after` and nothing else: its mailbox begins there, whatever it was handed before.
   * The edge's word counts, because what went to it may have been lost. Unknown sessions are those that have just left.
   */
  lagging(edge: EdgeSink, session: number, after: number): void {
    const mailbox = this.edges.get(edge)?.get(session);
    const ring = this.awake();
    if (!mailbox || mailbox.cursor === after) return;
    const { floor, head } = ring;
    const from = mailbox.cursor;
    const cursor = Math.min(after, head);
    const since = Math.max(mailbox.closed, this.firstHead);
    if (from === LIVE) this.ledger.lag({ cursor, since, floor, head });
    else if (from === RETURNING) this.ledger.enterLagging(cursor, floor, head);
    else if (cursor > from) this.ledger.advance(from, cursor, floor);
    else this.ledger.rewind({ from, to: cursor, since, floor });
    mailbox.cursor = mailbox.closed = cursor;
  }

  /** A session reads history: it has no mailbox until it comes within the ring. */
  returning(edge: EdgeSink, session: number): void {
    const mailbox = this.edges.get(edge)?.get(session);
    if (!mailbox || mailbox.cursor === RETURNING) return;
    this.leave(mailbox);
    mailbox.cursor = RETURNING;
  }

  isAttached(edge: EdgeSink, session: number): boolean {
    return this.edges.get(edge)?.has(session) ?? false;
  }

  /**
   * Reads a lagging session's mailbox: first what it lost, then what it still has, up to `bytesMax` but at least one
   * message. At the head the session becomes live in this very turn, so nothing can come in between.
   */
  read(edge: EdgeSink, session: number, bytesMax: number): Reading | null {
    const mailbox = this.edges.get(edge)?.get(session);
    const ring = this.awake();
    if (!mailbox || mailbox.cursor < 0) return null;
    const start = mailbox.cursor;
    const gap = start < ring.floor ? { from: start + 1, to: ring.floor } : null;
    const bodies: Uint8Array[] = [];
    let bytes = 0;
    const first = Math.max(start, ring.floor);
    let at = first;
    for (let body = ring.get(at + 1); body && (bytes + body.length <= bytesMax || bodies.length === 0);) {
      bodies.push(body);
      bytes += body.length;
      at++;
      body = ring.get(at + 1);
    }
    this.ledger.advance(start, at, ring.floor);
    const live = at === ring.head;
    if (live) this.ledger.caughtUp(at, ring.floor);
    mailbox.closed = first;
    mailbox.cursor = live ? LIVE : at;
    return { gap, bodies, upTo: at, live };
  }

  /** Everything that the ring has after a seq. */
  after(seq: number): Uint8Array[] {
    const ring = this.awake();
    const bodies: Uint8Array[] = [];
    for (let body = ring.get(seq + 1); body; body = ring.get(++seq + 1)) bodies.push(body);
    return bodies;
  }

  /** In a room that disconnects instead of dropping: sessions whose full mailbox has cost them messages are let go. */
  disconnectOverflowed(): void {
    if (this.ledger.overflowedCount === 0) return;
    const floor = this.floor;
    for (const [edge, sessions] of [...this.edges]) {
      for (const [session, { cursor }] of [...sessions]) {
        if (cursor < 0 || cursor >= floor) continue;
        edge.control({ c: 'overflow', room: this.room, session });
        this.detach(edge, session);
      }
    }
  }

  private leave(mailbox: Mailbox): void {
    if (mailbox.cursor === LIVE) this.ledger.leaveLive();
    else if (mailbox.cursor >= 0) this.ledger.leaveLagging(mailbox.cursor, this.floor, this.awake().head);
  }

  private awake(): Ring {
    if (!this.ring) throw new Error(`room ${this.room} is asleep`);
    return this.ring;
  }
}
