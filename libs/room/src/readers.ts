import type { AttachCommand, LaggingCommand, ReplayCommand, ResumeCommand } from '@troupe/protocol';
import type { Audience } from './audience';
import type { EdgeSink } from './edge-sink';
import type { Lifecycle, Stamp } from './lifecycle';
import type { Publishing } from './publishing';
import { Returns } from './returns';
import type { RoomOutput } from './room.output';

/** After so long without a message the head is repeated to the edges, then after twice as long, and so on. */
const HEAD_REPEAT_MS = 1_000;

/** How edges and their sessions come, stay up to date, fall behind and come back. */
export class Readers {
  private readonly returns: Returns;
  /** The activity whose head is being repeated. */
  private repeatingSinceMs = -1;
  private repeatAfterMs = HEAD_REPEAT_MS;

  constructor(
    private readonly room: string,
    private readonly epoch: number,
    resumeMax: number,
    private readonly output: RoomOutput,
    private readonly lifecycle: Lifecycle,
    private readonly audience: Audience,
    private readonly publishing: Publishing,
  ) {
    this.returns = new Returns(room, epoch, resumeMax, output, audience);
  }

  /** Attaches sessions. Needs no load, unless the edge has to be told something that this owner does not know. */
  attach(command: AttachCommand, edge: EdgeSink, stamp: Stamp, fresh: boolean): void {
    const { after, sessions, serial } = command;
    if (command.whole) this.audience.retain(edge, sessions);
    this.audience.attach(edge, sessions);
    const { head } = this.publishing;
    const unknown = head < 0 && (command.needHead === true || (fresh && after !== null));
    const behind = head >= 0 && after !== null && after < head;
    const catchUp = (): void => this.lifecycle.defer(() => this.catchUpEdge(edge, after, serial), stamp);
    if (this.lifecycle.suspect || behind) catchUp();
    else if (!unknown) this.attached(edge, serial);
    else this.compare(after, { same: () => this.attached(edge, serial), other: catchUp });
  }

  /**
   * Compares what an edge has with what is stored: a take-over must not load every room that has a reader somewhere.
   * Of a room that is not durable, or empty, the store has nothing to compare with.
   */
  private compare(after: number | null, then: { same: () => void; other: () => void }): void {
    if (!this.output.head || !after || this.lifecycle.expecting) return then.other();
    this.output.head(this.room, (head) => {
      // Without an answer the edge asks again after a while.
      if (this.lifecycle.closed || head === null) return;
      if (this.publishing.head < 0 && head === after) then.same();
      else then.other();
    });
  }

  detach(edge: EdgeSink, session: number): void {
    this.audience.detach(edge, session);
  }

  lagging(command: LaggingCommand, edge: EdgeSink, stamp: Stamp): void {
    this.lifecycle.defer(() => this.lag(edge, command.session, command.after), stamp);
  }

  resume(command: ResumeCommand, edge: EdgeSink, stamp: Stamp): void {
    this.lifecycle.defer(() => {
      const { session, user, after, bytesMax } = command;
      // Its attachment may have been lost on the way; whoever asks for messages is a reader.
      this.audience.attach(edge, [[session, user]]);
      if (command.mode === 'mailbox') {
        // An edge that attached again after a change of owner resumes a mailbox that this owner has not heard of; and
        // a piece, or the word that the mailbox has overflowed, may have been lost.
        this.lag(edge, session, after);
        this.returns.readMailbox(edge, session, after, bytesMax);
      } else
        this.returns.readHistory(edge, session, { after, bytesMax }, this.publishing.head, this.isDurable);
    }, stamp);
  }

  replay(command: ReplayCommand, edge: EdgeSink, stamp: Stamp): void {
    this.lifecycle.defer(() => this.catchUpEdge(edge, command.after), stamp);
  }

  /** Repeats the head of a room that has gone quiet. While messages come, each tells of the ones before it. */
  repeatHead(nowMs: number): void {
    const { lifecycle } = this;
    if (!lifecycle.awake || lifecycle.closed) return;
    if (lifecycle.activeAtMs !== this.repeatingSinceMs) {
      this.repeatingSinceMs = lifecycle.activeAtMs;
      this.repeatAfterMs = HEAD_REPEAT_MS;
    }
    const quietMs = nowMs - this.repeatingSinceMs;
    if (quietMs < this.repeatAfterMs) return;
    while (this.repeatAfterMs <= quietMs) this.repeatAfterMs *= 2;
    this.audience.tellHead(this.epoch);
  }

  private lag(edge: EdgeSink, session: number, after: number): void {
    this.audience.lagging(edge, session, after);
    if (this.lifecycle.settings?.onOverflow === 'disconnect') this.audience.disconnectOverflowed();
  }

  private catchUpEdge(edge: EdgeSink, after: number | null, serial?: number): void {
    if (after === null) return this.attached(edge, serial);
    const position = { after, head: this.publishing.head, durable: this.isDurable };
    this.returns.replay(edge, position, () => this.attached(edge, serial));
  }

  private attached(edge: EdgeSink, serial: number | undefined): void {
    const { room, epoch } = this;
    const record = {
      c: 'attached' as const,
      room,
      epoch,
      head: this.publishing.head,
      sessions: this.audience.sessionsOf(edge),
    };
    edge.control(serial === undefined ? record : { ...record, serial });
  }

  private get isDurable(): boolean {
    return this.lifecycle.settings?.durable ?? false;
  }
}
