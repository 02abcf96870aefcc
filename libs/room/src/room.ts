import type { MailboxTotals, RingLimits } from '@troupe/actor-core';
import {
  type AttachCommand,
  type ErrorCode,
  type LaggingCommand,
  type MemberCommand,
  type Message,
  type OverflowMode,
  type PublishCommand,
  type ReplayCommand,
  type ResumeCommand,
  type Role,
  type RoomKind,
  encodeMessageFrame,
  partitionOf,
} from '@troupe/protocol';
import { Audience } from './audience';
import type { EdgeSink } from './edge-sink';
import { Membership } from './membership';
import { Returns } from './returns';
import type { RoomOutput } from './room.output';
import { ROOM_POLICIES } from './room.policies';
import { type FirstTime, type PendingMessage, type ReplyTo, Sequencer } from './sequencer';

/** Bounds of one room. */
export interface RoomLimits {
  ring: RingLimits;
  /** Messages that wait for the store, and commands that wait for the room to load; more are refused with `room_busy`. */
  pendingMax: number;
  /** Repeats that are recognised without the store. */
  recentMax: number;
  /** The longest stretch that a returning session is sent; what lies before is announced as a gap. */
  resumeMax: number;
}

/** What `load` found. */
export interface LoadedRoom {
  kind: RoomKind;
  open: boolean;
  durable: boolean;
  onOverflow: OverflowMode;
  members: readonly { user: string; role: Role }[];
  /** The highest committed seq; for a room that is not durable, the end of the seqs reserved so far. */
  head: number;
}

export interface Stamp {
  nowMs: number;
  /** RFC 3339 in UTC, for people. */
  at: string;
}

type Deferred = (stamp: Stamp) => void;

/** Why a command was not done; `moved`: the partition is another pod's, and the edge asks there. */
type Refusal = ErrorCode | 'moved';

interface Settings extends LoadedRoom {
  policy: (typeof ROOM_POLICIES)[RoomKind];
}

/**
 * The actor of one room: it alone gives out the room's seqs, knows its members and owns its readers' mailboxes.
 *
 * Pure: commands, results and time come in; records to edges and requests to the store go out. One call is one turn.
 * A room wakes (loads) at the first command that needs its members or its head, and is put to sleep by its host when
 * nothing happened for a while; attachments stay.
 */
export class Room {
  readonly audience: Audience;
  private settings: Settings | null = null;
  private sequencer: Sequencer | null = null;
  private readonly membership: Membership;
  private readonly returns: Returns;
  /** The newest seq that went out, or −1 if this owner has never known it. */
  private head = -1;
  private reservedTo = 0;
  private reserving = false;
  private waiting: { run: Deferred; refuse: (why: Refusal) => void }[] = [];
  private loading = false;
  /** The store holds messages that have not gone out (a commit whose outcome was unknown). */
  private suspect = false;
  private closed = false;
  private activeAtMs = 0;

  constructor(
    readonly id: string,
    readonly epoch: number,
    private readonly limits: RoomLimits,
    private readonly output: RoomOutput,
    totals?: MailboxTotals,
  ) {
    this.audience = new Audience(id, limits.ring, totals);
    this.membership = new Membership(id, output, this.audience);
    this.returns = new Returns(id, epoch, limits.resumeMax, output, this.audience);
  }

  get awake(): boolean {
    return this.settings !== null && !this.loading;
  }

  get kind(): RoomKind | null {
    return this.settings?.kind ?? null;
  }

  /** True while messages or answers are on their way: a hand-over waits for them. */
  get busy(): boolean {
    return (
      this.loading ||
      this.waiting.length > 0 ||
      (this.sequencer?.pendingCount ?? 0) > 0 ||
      this.membership.busy
    );
  }

  // ── Publishing ────────────────────────────────────────────────────────────────────────────────────────────────

  publish(command: PublishCommand, edge: EdgeSink, stamp: Stamp): void {
    const replyTo = { edge, ref: command.ref };
    const settings = this.settings;
    if (!settings || this.loading) {
      this.defer(
        (later) => this.publish(command, edge, later),
        stamp,
        (code) => this.fail(replyTo, code),
      );
      return;
    }
    this.activeAtMs = stamp.nowMs;
    const role = this.membership.roleOf(command.from);
    const actor = { user: command.from, service: command.service === true, role };
    const verdict = settings.policy.mayPost(actor, { open: settings.open, members: this.membership.size });
    if (verdict !== 'yes') return this.fail(replyTo, verdict);
    this.sequence(settings, command, replyTo, stamp);
  }

  private sequence(settings: Settings, command: PublishCommand, replyTo: ReplyTo, stamp: Stamp): void {
    const sequencer = this.mustSequencer();
    const repeat = sequencer.repeat(Sequencer.key(command));
    if (repeat && 'first' in repeat) return this.ack(replyTo, repeat.first, true);
    if (repeat) {
      repeat.pending.replyTo.push(replyTo);
      return;
    }
    if (sequencer.pendingCount >= this.limits.pendingMax || this.output.saturated)
      return this.fail(replyTo, 'room_busy');
    const message = sequencer.assign({
      room: this.id,
      id: command.id,
      from: command.from,
      clientId: command.clientId,
      text: command.text,
      data: command.data,
      at: stamp.at,
      replyTo: [replyTo],
    });
    if (settings.durable) this.output.commit(this.id, message);
    else this.settleReserved();
  }

  /** A message is in the store: it gets its place in the ring and goes out. In order of seq. */
  committed(message: PendingMessage): void {
    if (this.closed) return;
    this.mustSequencer().settle(message);
    this.send(message);
    this.wakeIfSuspect();
  }

  /** The store had this message already, from before this room was loaded. */
  duplicate(message: PendingMessage, first: FirstTime): void {
    if (this.closed) return;
    this.mustSequencer().withdraw(message, first);
    for (const replyTo of message.replyTo) this.ack(replyTo, first, true);
    this.wakeIfSuspect();
  }

  /**
   * The outcome of the room's pending messages is unknown, or the store refused them: senders are told to try again,
   * and the room starts afresh from what the store says.
   */
  commitFailed(code: ErrorCode): void {
    if (this.closed) return;
    for (const message of this.mustSequencer().abandon()) {
      for (const replyTo of message.replyTo) this.fail(replyTo, code);
    }
    this.suspect = true;
    this.wake();
  }

  private send(message: PendingMessage): void {
    const body = Buffer.from(encodeMessageFrame(fields(message)));
    this.head = message.seq;
    this.audience.broadcast(this.epoch, body);
    if (this.settings?.onOverflow === 'disconnect') this.disconnectOverflowed();
    message.replyTo.forEach((replyTo, i) => this.ack(replyTo, message, i > 0));
    this.output.published(message, body);
  }

  private disconnectOverflowed(): void {
    if (this.audience.ledger.laggingCount === 0) return;
    for (const [edge, session] of this.audience.overflowed()) {
      edge.control({ c: 'overflow', room: this.id, session });
      this.audience.detach(edge, session);
    }
  }

  /** In a room that is not durable, a message is final as soon as its seq is one that no other owner can give out. */
  private settleReserved(): void {
    const sequencer = this.mustSequencer();
    for (let next = sequencer.oldest(); next && next.seq <= this.reservedTo; next = sequencer.oldest()) {
      sequencer.settle(next);
      this.send(next);
    }
    if (sequencer.pendingCount > 0) this.reserveMore();
  }

  private reserveMore(): void {
    if (this.reserving) return;
    this.reserving = true;
    this.output.reserve(this.id, (reservedTo) => {
      this.reserving = false;
      if (this.closed) return;
      if (reservedTo === null) return this.commitFailed('unavailable');
      this.reservedTo = reservedTo;
      this.settleReserved();
    });
  }

  // ── Readers ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** Attaches sessions. Needs no load, unless the edge has to be told something that this owner does not know. */
  attach(command: AttachCommand, edge: EdgeSink, stamp: Stamp, fresh: boolean): void {
    const { after } = command;
    this.audience.attach(edge, command.sessions);
    const unknown = this.head < 0 && (command.needHead === true || (fresh && after !== null));
    const behind = this.head >= 0 && after !== null && after < this.head;
    if (this.suspect || unknown || behind) {
      this.defer(
        () => this.catchUpEdge(edge, after),
        stamp,
        () => undefined,
      );
    } else {
      this.attached(edge);
    }
  }

  private catchUpEdge(edge: EdgeSink, after: number | null): void {
    if (!this.settings) return this.attached(edge);
    if (after !== null) this.returns.replay(edge, after, this.head, this.settings.durable);
    this.attached(edge);
  }

  private attached(edge: EdgeSink): void {
    edge.control({ c: 'attached', room: this.id, epoch: this.epoch, head: this.head });
  }

  detach(edge: EdgeSink, session: number): void {
    this.audience.detach(edge, session);
  }

  lagging(command: LaggingCommand, edge: EdgeSink, stamp: Stamp): void {
    this.defer(() => {
      if (!this.settings) return;
      this.audience.lagging(edge, command.session, command.after);
      if (this.settings.onOverflow === 'disconnect') this.disconnectOverflowed();
    }, stamp);
  }

  resume(command: ResumeCommand, edge: EdgeSink, stamp: Stamp): void {
    this.defer(() => {
      if (!this.settings) return;
      const { session, after, bytesMax } = command;
      if (command.mode === 'mailbox') this.returns.readMailbox(edge, session, after, bytesMax);
      else this.returns.readHistory(edge, session, { after, bytesMax }, this.head, this.settings.durable);
    }, stamp);
  }

  replay(command: ReplayCommand, edge: EdgeSink, stamp: Stamp): void {
    this.defer(() => this.catchUpEdge(edge, command.after), stamp);
  }

  // ── Members ───────────────────────────────────────────────────────────────────────────────────────────────────

  member(command: MemberCommand, edge: EdgeSink, stamp: Stamp): void {
    const replyTo = { edge, ref: command.ref };
    const refuse = (why: Refusal): void => this.fail(replyTo, why);
    this.defer(
      () => {
        const settings = this.settings;
        if (!settings) return refuse('not_found');
        this.membership.change(command, settings, {
          done: () => edge.control({ c: 'done', ref: command.ref, head: this.head }),
          refuse,
          head: () => this.head,
        });
      },
      stamp,
      refuse,
    );
  }

  /** Reads the row again before the next command. */
  reload(ref: number, edge: EdgeSink, stamp: Stamp): void {
    const replyTo = { edge, ref };
    this.suspect = true;
    this.defer(
      () => edge.control({ c: 'done', ref, head: this.head }),
      stamp,
      (code) => this.fail(replyTo, code),
    );
  }

  // ── Waking and sleeping ───────────────────────────────────────────────────────────────────────────────────────

  /** The result of `load`; null: there is no such room. */
  loaded(record: LoadedRoom | null, stamp: Stamp): void {
    if (this.closed || !this.loading) return;
    if (!record) {
      this.loading = false;
      this.settings = null;
      this.refuseWaiting('not_found');
      return;
    }
    this.settings = { ...record, policy: ROOM_POLICIES[record.kind] };
    this.membership.reset(record.members);
    if (this.head < 0) this.start(record.head);
    else if (!this.sequencer) this.start(this.head);
    if (!record.durable) this.reservedTo = record.head;
    if (record.durable && record.head > this.head) this.recover(record.head, stamp);
    else this.ready(stamp);
  }

  /** The store could not be asked; those who wait are told to come again. The host loads a suspect room again by itself. */
  loadFailed(): void {
    if (this.closed || !this.loading) return;
    this.loading = false;
    this.refuseWaiting('unavailable');
  }

  /** True when the room should be loaded even though nobody asks: members may have missed something. */
  get needsLoad(): boolean {
    return this.suspect && !this.loading && !this.committing;
  }

  /** Loads the room, if it is not loading. */
  wake(): void {
    if (this.loading || this.closed) return;
    this.loading = true;
    this.output.load(this.id);
  }

  /** Puts the room to sleep if nothing happened since `idleSinceMs`. True if it sleeps. */
  passivate(idleSinceMs: number): boolean {
    if (!this.settings) return !this.busy && !this.suspect;
    if (this.busy || this.suspect || this.activeAtMs > idleSinceMs) return false;
    if (this.audience.ledger.laggingCount > 0) return false;
    this.settings = null;
    this.sequencer = null;
    this.membership.reset([]);
    this.audience.sleep();
    return true;
  }

  /** The partition is another pod's: nothing of this room may be acknowledged or sent any more. */
  close(): void {
    this.closed = true;
    for (const message of this.sequencer?.abandon() ?? []) {
      for (const replyTo of message.replyTo) this.fail(replyTo, 'moved');
    }
    this.refuseWaiting('moved');
  }

  private start(head: number): void {
    this.head = head;
    this.sequencer = this.newSequencer(head);
    this.audience.wake(head);
  }

  /** Sends out what the store has and this room has not sent: an earlier commit had arrived after all. */
  private recover(head: number, stamp: Stamp): void {
    this.output.fetch(this.id, { after: this.head, limit: RECOVERY_PAGE }, (messages) => {
      if (this.closed) return;
      if (!messages || messages.length === 0) {
        this.suspect = true;
        return this.loadFailed();
      }
      for (const message of messages) {
        this.head = message.seq;
        this.audience.broadcast(this.epoch, Buffer.from(encodeMessageFrame(message)));
      }
      this.sequencer = this.newSequencer(this.head);
      if (this.head < head) this.recover(head, stamp);
      else this.ready(stamp);
    });
  }

  private ready(stamp: Stamp): void {
    this.loading = false;
    this.suspect = false;
    this.activeAtMs = stamp.nowMs;
    const waiting = this.waiting;
    this.waiting = [];
    for (const { run } of waiting) run(stamp);
  }

  private refuseWaiting(why: Refusal): void {
    const waiting = this.waiting;
    this.waiting = [];
    for (const { refuse } of waiting) refuse(why);
  }

  /** Runs now if the room is awake, else when it has loaded. */
  private defer(run: Deferred, stamp: Stamp, refuse: (why: Refusal) => void = () => undefined): void {
    if (this.awake && !this.suspect) return run(stamp);
    if (this.waiting.length >= this.limits.pendingMax) return refuse('room_busy');
    this.waiting.push({ run, refuse });
    if (!this.committing) this.wake();
  }

  /** A load waits for the commits in flight: their messages are numbered after the head that this room knows. */
  private get committing(): boolean {
    return (this.sequencer?.pendingCount ?? 0) > 0;
  }

  private wakeIfSuspect(): void {
    if (this.needsLoad) this.wake();
  }

  private newSequencer(head: number): Sequencer {
    // What is pending must stay remembered, or a repeat of it would get a second place.
    return new Sequencer(head, Math.max(this.limits.recentMax, 2 * this.limits.pendingMax));
  }

  private mustSequencer(): Sequencer {
    if (!this.sequencer) throw new Error(`room ${this.id} is asleep`);
    return this.sequencer;
  }

  private ack(to: ReplyTo, first: FirstTime, duplicate: boolean): void {
    to.edge.ack({ ref: to.ref, seq: first.seq, id: first.id, at: first.at, duplicate });
  }

  private fail(to: ReplyTo, why: Refusal): void {
    if (why === 'moved') to.edge.control({ c: 'moved', partition: partitionOf(this.id), refs: [to.ref] });
    else to.edge.control({ c: 'fail', ref: to.ref, code: why, message: REASONS[why] ?? why });
  }
}

const RECOVERY_PAGE = 200;

const REASONS: Partial<Record<ErrorCode, string>> = {
  not_found: 'no such room',
  not_member: 'not a member of this room',
  forbidden: 'not allowed in this room',
  room_busy: 'the room has too much waiting to be stored',
  unavailable: 'the room cannot be reached at the moment; send again',
  conflict: 'the change does not fit the state of the room',
};

function fields(m: PendingMessage): Message {
  const message: Message = { room: m.room, seq: m.seq, id: m.id, from: m.from, text: m.text, at: m.at };
  return m.data === undefined ? message : { ...message, data: m.data };
}
