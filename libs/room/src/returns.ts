import { type GapReason, type Message, type PieceHeader, encodeMessageFrame } from '@troupe/protocol';
import type { Audience } from './audience';
import type { EdgeSink } from './edge-sink';
import type { RoomOutput } from './room.output';

const PAGE = 100;

interface Replay {
  done: (() => void)[];
}

/** Brings readers back to the head: a slow session, a returning session, or a whole edge whose stream had a hole. */
export class Returns {
  /** Replays under way, one for each edge: a later one begins where the edge is now, and answers for both. */
  private readonly replays = new Map<EdgeSink, Replay>();

  constructor(
    private readonly room: string,
    private readonly epoch: number,
    private readonly resumeMax: number,
    private readonly output: RoomOutput,
    private readonly audience: Audience,
  ) {}

  /** A slow session reads what its mailbox, which begins at `after`, still has; what it lost is told first. */
  readMailbox(edge: EdgeSink, session: number, after: number, bytesMax: number): void {
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
      if (messages.length === 0 || !this.audience.isAttached(edge, session)) return;
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
    const replay = { done: [...(this.replays.get(edge)?.done ?? []), done] };
    this.replays.set(edge, replay);
    this.replayFrom(edge, start, replay);
  }

  private replayFrom(edge: EdgeSink, start: number, replay: Replay): void {
    if (this.replays.get(edge) !== replay) return;
    // Asleep in the meantime: the edge, still behind, asks again.
    if (!this.audience.isAwake) return void this.replays.delete(edge);
    if (start >= this.audience.floor) {
      this.replays.delete(edge);
      let seq = start;
      for (const body of this.audience.after(start)) edge.message(this.room, this.epoch, ++seq, body);
      for (const done of replay.done) done();
      return;
    }
    this.fetch(start, (messages) => {
      if (this.replays.get(edge) !== replay) return;
      if (messages.length === 0) return void this.replays.delete(edge);
      for (const m of messages)
        edge.message(this.room, this.epoch, m.seq, Buffer.from(encodeMessageFrame(m)));
      this.replayFrom(edge, messages.at(-1)?.seq ?? start, replay);
    });
  }

  /**
   * Reads from the store what has gone out. What is stored but has not gone out yet comes on the stream, in its turn.
   * Finds nothing when the store does not answer: the edge asks again after a while.
   */
  private fetch(after: number, found: (messages: Message[]) => void): void {
    this.output.fetch(this.room, { after, limit: PAGE }, (messages) => {
      found(messages?.filter(({ seq }) => seq <= this.audience.head) ?? []);
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
