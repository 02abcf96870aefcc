import { type ErrorCode, type Message, type PublishCommand, encodeMessageFrame } from '@troupe/protocol';
import { ack, refuse } from './answers';
import type { Audience } from './audience';
import type { EdgeSink } from './edge-sink';
import type { Lifecycle, Settings, Stamp } from './lifecycle';
import type { Membership } from './membership';
import type { RoomOutput } from './room.output';
import { type FirstTime, type PendingMessage, type ReplyTo, Sequencer, bytesOf } from './sequencer';

export interface PublishingLimits {
  /** Messages that wait for the store; more are refused with `room_busy`. */
  pendingMax: number;
  /** Settled messages whose repeats are recognised without the store. */
  recentMax: number;
}

const RECOVERY_PAGE = 200;

/** How a message gets its place, becomes final, and goes out: once, in order, whatever becomes of the store's answers. */
export class Publishing {
  /** The newest seq that went out, or −1 if this owner has never known it. */
  head = -1;
  private sequencer: Sequencer | null = null;
  /** Up to here the store has promised this owner the seqs of a room that is not durable. */
  private reservedTo = 0;
  private reserving = false;

  constructor(
    private readonly room: string,
    private readonly epoch: number,
    private readonly limits: PublishingLimits,
    private readonly output: RoomOutput,
    private readonly lifecycle: Lifecycle,
    private readonly audience: Audience,
    private readonly membership: Membership,
  ) {}

  get pendingCount(): number {
    return this.sequencer?.pendingCount ?? 0;
  }

  publish(command: PublishCommand, edge: EdgeSink, stamp: Stamp): void {
    const { lifecycle, membership } = this;
    const replyTo = { edge, ref: command.ref };
    const settings = lifecycle.settings;
    if (!settings || !lifecycle.awake || lifecycle.suspect) {
      lifecycle.defer(
        (later) => this.publish(command, edge, later),
        stamp,
        (why) => refuse(this.room, replyTo, why),
        bytesOf(command),
      );
      return;
    }
    lifecycle.activeAtMs = stamp.nowMs;
    const role = membership.roleOf(command.from);
    const actor = { user: command.from, service: command.service === true, role };
    const verdict = settings.policy.mayPost(actor, { open: settings.open, members: membership.size });
    if (verdict !== 'yes') return refuse(this.room, replyTo, verdict);
    this.sequence(settings, command, replyTo, stamp);
  }

  private sequence(settings: Settings, command: PublishCommand, replyTo: ReplyTo, stamp: Stamp): void {
    const sequencer = this.mustSequencer();
    const key = Sequencer.key(command);
    const repeat = sequencer.repeat(key);
    if (repeat && 'first' in repeat) return ack(replyTo, repeat.first, true);
    if (repeat) {
      repeat.pending.replyTo.push(replyTo);
      return;
    }
    if (sequencer.pendingCount >= this.limits.pendingMax || this.output.saturated)
      return refuse(this.room, replyTo, 'room_busy');
    const message = sequencer.assign(
      {
        room: this.room,
        id: command.id,
        from: command.from,
        clientId: command.clientId,
        text: command.text,
        data: command.data,
        at: stamp.at,
        replyTo: [replyTo],
      },
      key,
    );
    if (settings.durable) this.output.commit(this.room, message);
    else this.settleReserved();
  }

  /** A message is in the store: it gets its place in the ring and goes out. In order of seq. */
  committed(message: PendingMessage): void {
    if (this.lifecycle.closed) return;
    this.mustSequencer().settle(message);
    this.send(message);
    this.lifecycle.wakeIfSuspect();
  }

  /** The store had this message already, from before this room was loaded. */
  duplicate(message: PendingMessage, first: FirstTime): void {
    if (this.lifecycle.closed) return;
    this.mustSequencer().withdraw(message, first);
    // A commit of unknown outcome has become visible after the load that looked for it: readers have yet to get it.
    if (first.seq > this.head) this.lifecycle.doubt();
    for (const replyTo of message.replyTo) ack(replyTo, first, true);
    this.lifecycle.wakeIfSuspect();
  }

  /**
   * The outcome of the room's pending messages is unknown, or the store refused them: senders are told to try again,
   * and the room starts afresh from what the store says.
   */
  commitFailed(code: ErrorCode): void {
    if (this.lifecycle.closed) return;
    for (const message of this.mustSequencer().abandon()) {
      for (const replyTo of message.replyTo) refuse(this.room, replyTo, code);
    }
    this.lifecycle.doubt();
  }

  /** Begins at what a load found; sends out first what the store has and this owner has not sent. */
  begin(settings: Settings, done: (complete: boolean) => void): void {
    const isFirst = this.head < 0;
    if (isFirst) this.head = settings.head;
    if (!this.sequencer) {
      this.sequencer = this.newSequencer();
      this.audience.wake(this.head);
    }
    // Later loads may tell what another owner has reserved: only what this owner was promised is its own to give out.
    if (isFirst) this.reservedTo = settings.head;
    if (settings.durable && settings.head > this.head) this.recover(settings.head, done);
    else done(true);
  }

  /** Nothing pending: the order can be found again from the store. */
  sleep(): void {
    this.sequencer = null;
  }

  /** Pending messages are the next owner's affair: those who wait are sent there. */
  close(): void {
    for (const message of this.sequencer?.abandon() ?? []) {
      for (const replyTo of message.replyTo) refuse(this.room, replyTo, 'moved');
    }
  }

  private send(message: PendingMessage): void {
    const body = Buffer.from(encodeMessageFrame(fields(message)));
    this.head = message.seq;
    this.audience.broadcast(this.epoch, body);
    if (this.lifecycle.settings?.onOverflow === 'disconnect') this.audience.disconnectOverflowed();
    message.replyTo.forEach((replyTo, i) => ack(replyTo, message, i > 0));
    this.output.published(message, body);
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
    this.output.reserve(this.room, (reservedTo) => {
      this.reserving = false;
      if (this.lifecycle.closed) return;
      if (reservedTo === null) return this.commitFailed('unavailable');
      this.reservedTo = reservedTo;
      this.settleReserved();
      this.lifecycle.wakeIfSuspect();
    });
  }

  /** An earlier commit had arrived after all. */
  private recover(head: number, done: (complete: boolean) => void): void {
    this.output.fetch(this.room, { after: this.head, limit: RECOVERY_PAGE }, (messages) => {
      if (this.lifecycle.closed) return;
      if (!messages || messages.length === 0) return done(false);
      for (const message of messages) {
        const body = Buffer.from(encodeMessageFrame(message));
        this.head = message.seq;
        this.audience.broadcast(this.epoch, body);
        this.output.published(message, body);
      }
      this.sequencer = this.newSequencer();
      if (this.head < head) this.recover(head, done);
      else done(true);
    });
  }

  private newSequencer(): Sequencer {
    return new Sequencer(this.head, this.limits.recentMax);
  }

  private mustSequencer(): Sequencer {
    if (!this.sequencer) throw new Error(`room ${this.room} is asleep`);
    return this.sequencer;
  }
}

function fields(m: PendingMessage): Message {
  const message: Message = { room: m.room, seq: m.seq, id: m.id, from: m.from, text: m.text, at: m.at };
  return m.data === undefined ? message : { ...message, data: m.data };
}
