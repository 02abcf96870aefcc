import { type GapReason, type Message, type PieceHeader, encodeMessageFrame } from '@troupe/protocol';
import type { Audience } from './audience';
import type { EdgeSink } from './edge-sink';
import type { RoomOutput } from './room.output';

const PAGE = 100;

/** Brings readers back to the head: a slow session, a returning session, or a whole edge whose stream had a hole. */
export class Returns {
  constructor(
    private readonly room: string,
    private readonly epoch: number,
    private readonly resumeMax: number,
    private readonly output: RoomOutput,
    private readonly audience: Audience,
  ) {}

  /** A slow session reads what its mailbox still has; what it lost is told first. */
  readMailbox(edge: EdgeSink, session: number, after: number, bytesMax: number): void {
    // An edge that attached again after a change of owner resumes a mailbox that this owner has not heard of; and
    // a piece may have been lost, so that the session is not where the mailbox believes it to be.
    this.audience.lagging(edge, session, after);
    this.sendReading(edge, session, { after, bytesMax }, 'slow');
  }

  /** A returning session reads on from `after`, from the store where the ring does not reach that far. */
  readHistory(
    edge: EdgeSink,
    session: number,
    from: { after: number; bytesMax: number },
    head: number,
    durable: boolean,
  ): void {
    const { bytesMax } = from;
    if (!this.audience.isAttached(edge, session)) return;
    const start = Math.min(Math.max(from.after, this.earliest(head, durable)), head);
    const gap: PieceHeader['gap'] =
      start > from.after ? { from: from.after + 1, to: start, reason: 'resume_limit' } : undefined;
    if (start >= this.audience.floor) {
      this.audience.lagging(edge, session, start);
      this.sendReading(edge, session, from, 'resume_limit', gap);
      return;
    }
    this.audience.returning(edge, session);
    this.fetch(start, (messages) => {
      if (!this.audience.isAttached(edge, session)) return;
      const bodies = takeBytes(messages, bytesMax);
      const upTo = messages[bodies.length - 1]?.seq ?? start;
      const header = this.header(session, { after: from.after, upTo, live: false });
      edge.piece(gap ? { ...header, gap } : header, bodies);
    });
  }

  /** An edge gets everything after a seq again, on its stream, in order; then `done` is called, in the same turn. */
  replay(
    edge: EdgeSink,
    { after, head, durable }: { after: number; head: number; durable: boolean },
    done: () => void,
  ): void {
    const start = Math.max(after, this.earliest(head, durable));
    if (start > after) {
      const gap = { from: after + 1, to: start, reason: 'resume_limit' as const };
      edge.control({ c: 'gap', room: this.room, epoch: this.epoch, ...gap });
    }
    this.replayFrom(edge, start, done);
  }

  private replayFrom(edge: EdgeSink, start: number, done: () => void): void {
    // Asleep in the meantime: the edge, still behind, asks again.
    if (!this.audience.isAwake) return;
    if (start >= this.audience.floor) {
      let seq = start;
      for (const body of this.audience.after(start)) edge.message(this.room, this.epoch, ++seq, body);
      return done();
    }
    this.fetch(start, (messages) => {
      for (const m of messages)
        edge.message(this.room, this.epoch, m.seq, Buffer.from(encodeMessageFrame(m)));
      this.replayFrom(edge, messages.at(-1)?.seq ?? start, done);
    });
  }

  /**
   * Reads from the store what has gone out. What is stored but has not gone out yet comes on the stream, in its turn.
   * Without an answer the edge asks again after a while.
   */
  private fetch(after: number, found: (messages: Message[]) => void): void {
    this.output.fetch(this.room, { after, limit: PAGE }, (messages) => {
      const sent = messages?.filter(({ seq }) => seq <= this.audience.head) ?? [];
      if (sent.length > 0) found(sent);
    });
  }

  /** The seq after which a returning reader can be served at most. */
  private earliest(head: number, durable: boolean): number {
    return durable ? Math.max(head - this.resumeMax, 0) : this.audience.floor;
  }

  private sendReading(
    edge: EdgeSink,
    session: number,
    { after, bytesMax }: { after: number; bytesMax: number },
    reason: GapReason,
    announced?: PieceHeader['gap'],
  ): void {
    const reading = this.audience.read(edge, session, bytesMax);
    if (!reading) return;
    const { upTo, live } = reading;
    const header = this.header(session, { after, upTo, live });
    const gap = announced ?? (reading.gap ? { ...reading.gap, reason } : undefined);
    edge.piece(gap ? { ...header, gap } : header, reading.bodies);
  }

  private header(session: number, where: Pick<PieceHeader, 'after' | 'upTo' | 'live'>): PieceHeader {
    return { room: this.room, session, epoch: this.epoch, ...where };
  }
}

function takeBytes(messages: readonly Message[], bytesMax: number): Buffer[] {
  const bodies: Buffer[] = [];
  let bytes = 0;
  for (const message of messages) {
    const body = Buffer.from(encodeMessageFrame(message));
    if (bodies.length > 0 && bytes + body.length > bytesMax) break;
    bodies.push(body);
    bytes += body.length;
  }
  return bodies;
}
