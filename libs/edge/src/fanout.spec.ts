import type { ActorCommand, ControlRecord, PieceHeader } from '@troupe/protocol';
import { SimClock } from '@troupe/testing';
import { Fanout } from './fanout';
import type { Outlet } from './outlet';
import type { EdgeSession, Subscription } from './room-group';

const ROOM = 'lobby';
const RETRY_MS = 1_000;
const JOIN_WAIT_MS = 500;

/** A socket that takes everything while it is open to it, and shows what it took in short. */
class Reader implements Outlet, EdgeSession {
  readonly subscriptions = new Map<string, Subscription>();
  catching: Subscription | null = null;
  writable = true;
  overflows = 0;
  /** `5` for a message, `3-4 slow` for a gap, `!…` for what came as control. */
  readonly took: string[] = [];
  writes = 0;

  constructor(
    readonly no: number,
    readonly user: string,
  ) {}

  get outlet(): Outlet {
    return this;
  }

  write(frames: Uint8Array): void {
    this.writes++;
    for (const line of lines(frames)) this.took.push(line);
  }

  control(frame: Uint8Array): void {
    for (const line of lines(frame)) this.took.push(`!${line}`);
  }

  overflow(): void {
    this.overflows++;
  }
}

function lines(frames: Uint8Array): string[] {
  return Buffer.from(frames)
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const frame = JSON.parse(line) as {
        type: string;
        seq: number;
        from: number;
        to: number;
        reason: string;
      };
      if (frame.type === 'message') return String(frame.seq);
      return frame.type === 'gap' ? `${frame.from}-${frame.to} ${frame.reason}` : frame.type;
    });
}

const body = (seq: number): Buffer => Buffer.from(`{"type":"message","seq":${seq}}`);

class Edge {
  readonly clock = new SimClock();
  readonly sent: ActorCommand[] = [];
  delivered = 0;
  repairs = 0;
  private readers = 0;
  readonly fanout = new Fanout(
    {
      clock: this.clock,
      codec: (frame) => Buffer.concat([frame, Buffer.from('\n')]),
      send: (command) => this.sent.push(command),
      delivered: (messages) => (this.delivered += messages),
      repaired: () => this.repairs++,
    },
    { pieceBytes: 1_000, chunkBytes: 500, retryMs: RETRY_MS, joinWaitMs: JOIN_WAIT_MS },
  );

  constructor() {
    this.fanout.start();
  }

  reader(user = `user-${this.readers + 1}`): Reader {
    const reader = new Reader(++this.readers, user);
    this.fanout.open(reader);
    return reader;
  }

  /** Joins and begins; gives the head that the session's client would be told, once there is one. */
  join(
    reader: Reader,
    options: { head?: number; resumeAfter?: number } = {},
    room = ROOM,
  ): { head?: number } {
    const told: { head?: number } = {};
    const { head = 0, resumeAfter } = options;
    this.fanout.join(reader, room, resumeAfter === undefined ? { head } : { head, resumeAfter }, (at, go) => {
      told.head = at();
      go();
    });
    return told;
  }

  /** A reader that is live after `head`. */
  live(head = 0, room = ROOM): Reader {
    const reader = this.reader();
    this.join(reader, { head }, room);
    this.attached(head, room);
    return reader;
  }

  /** The actor answers the newest attach. */
  attached(head: number, room = ROOM, extra: Partial<Extract<ControlRecord, { c: 'attached' }>> = {}): void {
    const attach = this.last('attach', room);
    const sessions = this.sessionsIn(room);
    const serial = attach.serial === undefined ? {} : { serial: attach.serial };
    this.fanout.control({ c: 'attached', room, epoch: 1, head, sessions, ...serial, ...extra });
  }

  messages(from: number, to: number, epoch = 1, room = ROOM): void {
    for (let seq = from; seq <= to; seq++) this.fanout.message(room, epoch, seq, body(seq));
    this.fanout.distributeAll();
  }

  piece(reader: Reader, after: number, upTo: number, extra: Partial<PieceHeader> = {}, room = ROOM): void {
    const header = { room, session: reader.no, epoch: 1, after, upTo, live: true, ...extra };
    const first = header.gap ? header.gap.to : after;
    const bodies = Array.from({ length: upTo - first }, (_, i) => body(first + 1 + i));
    this.fanout.piece(header, bodies);
  }

  last<T extends ActorCommand['t']>(t: T, room = ROOM): Extract<ActorCommand, { t: T }> {
    const found = this.sent.filter((c) => c.t === t && c.room === room).at(-1);
    if (!found) throw new Error(`no ${t} was sent`);
    return found as Extract<ActorCommand, { t: T }>;
  }

  sentSince(action: () => void): ActorCommand[] {
    const before = this.sent.length;
    action();
    return this.sent.slice(before);
  }

  private sessionsIn(room: string): number {
    let sessions = 0;
    this.fanout.eachSession(room, () => sessions++);
    return sessions;
  }
}

describe('a fan-out', () => {
  let edge: Edge;
  beforeEach(() => {
    edge = new Edge();
  });

  describe('joining', () => {
    it('attaches with the head that the store had, and begins when the actor has confirmed', () => {
      const reader = edge.reader('alice');
      const told = edge.join(reader, { head: 4 });
      expect(edge.last('attach')).toMatchObject({ after: 4, whole: true, sessions: [[1, 'alice']] });
      expect(told.head).toBeUndefined();
      edge.attached(4);
      expect(told.head).toBe(4);
      edge.messages(5, 6);
      expect(reader.took).toEqual(['5', '6']);
    });

    it('asks the actor for the head where nobody else knows it', () => {
      const told = edge.join(edge.reader(), { head: -1 });
      expect(edge.last('attach')).toMatchObject({ after: null, needHead: true });
      edge.attached(41);
      expect(told.head).toBe(41);
    });

    it('counts what was sent between the store’s answer and the actor’s as before the join', () => {
      const reader = edge.reader();
      const told = edge.join(reader, { head: 4 });
      edge.messages(5, 6);
      edge.attached(6);
      expect(told.head).toBe(6);
      edge.messages(7, 7);
      expect(reader.took).toEqual(['7']);
    });

    it('begins a second session at once, where the stream is', () => {
      const first = edge.live();
      edge.messages(1, 3);
      const second = edge.reader();
      expect(edge.join(second).head).toBe(3);
      edge.messages(4, 4);
      expect([first.took, second.took]).toEqual([['1', '2', '3', '4'], ['4']]);
    });

    it('goes ahead with the head that it has when the actor does not answer', () => {
      const told = edge.join(edge.reader(), { head: 4 });
      edge.clock.advance(JOIN_WAIT_MS);
      expect(told.head).toBe(4);
    });

    it('answers a second join of the same session without joining twice', () => {
      const reader = edge.live(4);
      expect(edge.sentSince(() => expect(edge.join(reader).head).toBe(4))).toEqual([]);
      edge.messages(5, 5);
      expect(reader.took).toEqual(['5']);
    });

    it('holds the room back until its owner lets it begin', () => {
      const reader = edge.reader();
      let begin: (() => void) | undefined;
      let head: (() => number) | undefined;
      edge.fanout.join(reader, ROOM, { head: 0 }, (at, go) => {
        head = at;
        begin = go;
      });
      edge.attached(0);
      edge.messages(1, 2);
      expect(head?.()).toBe(2);
      begin?.();
      edge.messages(3, 3);
      expect(reader.took).toEqual(['3']);
    });
  });

  describe('the stream', () => {
    it('hands each socket all frames of a turn at once, and counts them', () => {
      const readers = [edge.live(), edge.live()];
      edge.messages(1, 3);
      expect(readers.map((r) => [r.writes, r.took])).toEqual([
        [1, ['1', '2', '3']],
        [1, ['1', '2', '3']],
      ]);
      expect(edge.delivered).toBe(6);
    });

    it('does not wait for the end of the turn with more than a chunk', () => {
      const reader = edge.live();
      for (let seq = 1; seq <= 40; seq++) edge.fanout.message(ROOM, 1, seq, body(seq));
      expect(reader.took.length).toBeGreaterThan(10);
      edge.fanout.distributeAll();
      expect(reader.took).toHaveLength(40);
    });

    it('ignores what comes twice', () => {
      const reader = edge.live();
      edge.messages(1, 3);
      edge.messages(1, 4);
      expect(reader.took).toEqual(['1', '2', '3', '4']);
      expect(edge.repairs).toBe(0);
    });

    it('ignores an owner of a lower epoch, whatever it says', () => {
      const reader = edge.live();
      edge.messages(1, 1, 2);
      edge.messages(2, 2, 1);
      edge.fanout.control({ c: 'gap', room: ROOM, epoch: 1, from: 2, to: 9, reason: 'resume_limit' });
      edge.fanout.control({ c: 'head', room: ROOM, epoch: 1, head: 9, sessions: 1 });
      expect(reader.took).toEqual(['1']);
      expect(edge.repairs).toBe(0);
      edge.messages(2, 2, 2);
      expect(reader.took).toEqual(['1', '2']);
    });

    it('repairs a hole before anything later goes out', () => {
      const reader = edge.live();
      edge.messages(1, 2);
      edge.messages(4, 5);
      expect(reader.took).toEqual(['1', '2']);
      expect(edge.last('replay')).toEqual({ t: 'replay', room: ROOM, after: 2 });
      edge.messages(3, 5);
      expect(reader.took).toEqual(['1', '2', '3', '4', '5']);
      expect(edge.repairs).toBe(1);
    });

    it('asks again for a hole that stays, though nothing else comes', () => {
      edge.live();
      edge.messages(2, 2);
      expect(edge.sent.filter((c) => c.t === 'replay')).toHaveLength(1);
      edge.clock.advance(RETRY_MS);
      expect(edge.sent.filter((c) => c.t === 'replay')).toHaveLength(2);
      edge.messages(1, 2);
      edge.clock.advance(3 * RETRY_MS);
      expect(edge.sent.filter((c) => c.t === 'replay')).toHaveLength(2);
    });

    it('finds a lost last message by the head that the actor repeats', () => {
      edge.live();
      edge.messages(1, 3);
      edge.fanout.control({ c: 'head', room: ROOM, epoch: 1, head: 3, sessions: 1 });
      expect(edge.repairs).toBe(0);
      edge.fanout.control({ c: 'head', room: ROOM, epoch: 1, head: 4, sessions: 1 });
      expect(edge.last('replay').after).toBe(3);
    });

    it('tells a gap of the whole edge between the messages, to those who had not got that far', () => {
      const reader = edge.live();
      edge.fanout.message(ROOM, 1, 1, body(1));
      edge.fanout.control({ c: 'gap', room: ROOM, epoch: 2, from: 2, to: 100, reason: 'resume_limit' });
      edge.messages(101, 101, 2);
      expect(reader.took).toEqual(['1', '2-100 resume_limit', '101']);
    });

    it('cuts a gap down to what is new, and ignores one that is not', () => {
      const reader = edge.live();
      edge.messages(1, 4);
      edge.fanout.control({ c: 'gap', room: ROOM, epoch: 1, from: 2, to: 6, reason: 'resume_limit' });
      edge.fanout.control({ c: 'gap', room: ROOM, epoch: 1, from: 2, to: 6, reason: 'resume_limit' });
      expect(reader.took).toEqual(['1', '2', '3', '4', '5-6 resume_limit']);
    });

    it('lets a socket that cannot take the gap ask its mailbox for it', () => {
      const reader = edge.live();
      edge.messages(1, 1);
      reader.writable = false;
      edge.fanout.control({ c: 'gap', room: ROOM, epoch: 1, from: 2, to: 6, reason: 'resume_limit' });
      expect(edge.last('lagging')).toMatchObject({ session: reader.no, after: 1 });
      expect(reader.took).toEqual(['1']);
    });

    it('gives events to all sessions but those of the one whom they are about', () => {
      const [one, two] = [edge.live(), edge.live()];
      two.writable = false;
      edge.fanout.control({ c: 'event', room: ROOM, frame: '{"type":"member"}', except: 'user-1' });
      expect([one.took, two.took]).toEqual([[], ['!member']]);
    });

    it('tells the actor when streams of rooms come that nobody is in', () => {
      edge.messages(1, 1);
      edge.clock.advance(RETRY_MS);
      expect(edge.sentSince(() => edge.messages(2, 9))).toEqual([
        { t: 'attach', room: ROOM, after: null, whole: true, sessions: [] },
      ]);
    });

    it('takes what comes just after the last session left for what it is', () => {
      const reader = edge.live();
      edge.fanout.leave(reader, ROOM);
      expect(edge.sentSince(() => edge.messages(1, 9))).toEqual([]);
      edge.clock.advance(3 * RETRY_MS);
      expect(edge.sent.at(-1)).toMatchObject({ t: 'detach' });
    });
  });

  describe('a socket that is full', () => {
    it('lags from the last message that it took, while others go on', () => {
      const [slow, fast] = [edge.live(), edge.live()];
      edge.messages(1, 2);
      slow.writable = false;
      edge.messages(3, 5);
      edge.messages(6, 6);
      expect(edge.sent.filter((c) => c.t === 'lagging')).toEqual([
        { t: 'lagging', room: ROOM, session: slow.no, after: 2 },
      ]);
      expect([slow.took, fast.took]).toEqual([
        ['1', '2'],
        ['1', '2', '3', '4', '5', '6'],
      ]);
    });

    it('catches up in pieces when it drains, and takes the stream again', () => {
      const reader = lagging(2, 9);
      reader.writable = true;
      edge.fanout.drained(reader);
      expect(edge.last('resume')).toMatchObject({
        after: 2,
        mode: 'mailbox',
        session: reader.no,
        bytesMax: 1_000,
      });
      edge.messages(10, 10);
      edge.piece(reader, 2, 6, { live: false, gap: { from: 3, to: 4, reason: 'slow' } });
      expect(edge.last('resume').after).toBe(6);
      edge.messages(11, 11);
      edge.piece(reader, 6, 11);
      edge.messages(12, 12);
      expect(reader.took.slice(2)).toEqual(['3-4 slow', '5', '6', '7', '8', '9', '10', '11', '12']);
    });

    it('stops asking when it is full again in the middle', () => {
      const reader = lagging(2, 9);
      reader.writable = true;
      edge.fanout.drained(reader);
      reader.writable = false;
      expect(edge.sentSince(() => edge.piece(reader, 2, 5, { live: false }))).toEqual([]);
      reader.writable = true;
      expect(edge.sentSince(() => edge.fanout.drained(reader))).toMatchObject([{ t: 'resume', after: 5 }]);
    });

    it('asks again where it was when a piece is lost', () => {
      const reader = lagging(2, 9);
      reader.writable = true;
      edge.fanout.drained(reader);
      const again = edge.sentSince(() => edge.clock.advance(RETRY_MS));
      expect(again).toMatchObject([{ t: 'resume', after: 2 }]);
    });

    it('takes a piece once, however often it comes', () => {
      const reader = lagging(2, 9);
      reader.writable = true;
      edge.fanout.drained(reader);
      edge.piece(reader, 2, 5, { live: false });
      edge.piece(reader, 2, 5, { live: false });
      edge.piece(reader, 5, 9);
      edge.piece(reader, 5, 9);
      expect(reader.took.slice(2)).toEqual(['3', '4', '5', '6', '7', '8', '9']);
    });

    it('tells an actor that believes it to lag that it does not', () => {
      const reader = edge.live();
      edge.messages(1, 3);
      edge.piece(reader, 0, 2, { live: false });
      expect(edge.last('resume')).toMatchObject({ after: 3, mode: 'mailbox' });
      expect(reader.took).toEqual(['1', '2', '3']);
    });

    it('asks for what the stream brought while its last piece was on the way', () => {
      const reader = lagging(2, 5);
      reader.writable = true;
      edge.fanout.drained(reader);
      edge.messages(6, 7);
      edge.piece(reader, 2, 5);
      expect(edge.last('resume').after).toBe(5);
      edge.piece(reader, 5, 7);
      edge.messages(8, 8);
      expect(reader.took.slice(2)).toEqual(['3', '4', '5', '6', '7', '8']);
    });

    it('waits for the stream where the piece is ahead of it', () => {
      const [reader, other] = [lagging(2, 5), edge.live(5)];
      reader.writable = true;
      edge.fanout.drained(reader);
      // 6 and 7 were lost on the stream, and came with the piece.
      edge.piece(reader, 2, 7);
      edge.messages(8, 8);
      expect(edge.last('replay').after).toBe(5);
      edge.messages(6, 9);
      expect(reader.took.slice(2)).toEqual(['3', '4', '5', '6', '7', '8', '9']);
      expect(other.took).toEqual(['6', '7', '8', '9']);
    });

    it('is told of a gap that overtakes it while it waits', () => {
      const reader = lagging(2, 5);
      reader.writable = true;
      edge.fanout.drained(reader);
      edge.piece(reader, 2, 7);
      edge.fanout.control({ c: 'gap', room: ROOM, epoch: 1, from: 6, to: 20, reason: 'resume_limit' });
      edge.messages(21, 21);
      expect(reader.took.slice(2)).toEqual(['3', '4', '5', '6', '7', '8-20 resume_limit', '21']);
    });

    it('catches up one room at a time, and goes on to the next when one does not answer', () => {
      const reader = edge.live(0, 'one');
      edge.join(reader, { head: 0 }, 'two');
      edge.attached(0, 'two');
      reader.writable = false;
      edge.messages(1, 1, 1, 'one');
      edge.messages(1, 1, 1, 'two');
      reader.writable = true;
      const first = edge.sentSince(() => edge.fanout.drained(reader));
      expect(first).toMatchObject([{ t: 'resume', room: 'one' }]);
      const second = edge.sentSince(() => edge.clock.advance(RETRY_MS));
      expect(second).toMatchObject([{ t: 'resume', room: 'two' }]);
      edge.piece(reader, 0, 1, {}, 'two');
      expect(edge.sent.at(-1)).toMatchObject({ t: 'resume', room: 'one' });
      edge.piece(reader, 0, 1, {}, 'one');
      expect(reader.took).toEqual(['1', '1']);
    });

    it('is passed on to its outlet when its mailbox has overflowed in a room that disconnects', () => {
      const reader = lagging(2, 9);
      edge.fanout.control({ c: 'overflow', room: ROOM, session: reader.no });
      expect(reader.overflows).toBe(1);
    });

    /** A reader that has `took`, and whose room is at `head`. */
    function lagging(took: number, head: number): Reader {
      const reader = edge.live();
      edge.messages(1, took);
      reader.writable = false;
      edge.messages(took + 1, head);
      return reader;
    }
  });

  describe('a session that returns', () => {
    it('is sent what it missed, from the store or the ring, before anything live', () => {
      const reader = edge.reader();
      edge.join(reader, { head: 9, resumeAfter: 3 });
      edge.attached(9);
      expect(edge.last('resume')).toMatchObject({ after: 3, mode: 'history' });
      edge.messages(10, 10);
      edge.piece(reader, 3, 7, { live: false });
      expect(edge.last('resume')).toMatchObject({ after: 7, mode: 'history' });
      edge.piece(reader, 7, 10);
      edge.messages(11, 11);
      expect(reader.took).toEqual(['4', '5', '6', '7', '8', '9', '10', '11']);
    });

    it('is told what is too long ago', () => {
      const reader = edge.reader();
      edge.join(reader, { head: 90, resumeAfter: 3 });
      edge.attached(90);
      edge.piece(reader, 3, 90, { gap: { from: 4, to: 88, reason: 'resume_limit' } });
      expect(reader.took).toEqual(['4-88 resume_limit', '89', '90']);
    });

    it('uses its mailbox when it falls behind later', () => {
      const reader = edge.reader();
      edge.join(reader, { head: 1, resumeAfter: 0 });
      edge.attached(1);
      edge.piece(reader, 0, 1);
      reader.writable = false;
      edge.messages(2, 2);
      reader.writable = true;
      edge.fanout.drained(reader);
      expect(edge.last('resume')).toMatchObject({ after: 1, mode: 'mailbox' });
    });
  });

  describe('attachments', () => {
    it('are told anew to a new owner, with the seqs that are here, and lagging sessions with them', () => {
      const [slow, catching, fast] = [edge.live(), edge.live(), edge.live()];
      edge.messages(1, 2);
      slow.writable = catching.writable = false;
      edge.messages(3, 4);
      catching.writable = true;
      edge.fanout.drained(catching);
      const told = edge.sentSince(() => edge.fanout.attachAgain(null));
      expect(told).toMatchObject([
        {
          t: 'attach',
          after: 4,
          needHead: true,
          whole: true,
          sessions: [slow, catching, fast].map((r) => [r.no, r.user]),
        },
        { t: 'lagging', session: slow.no, after: 2 },
        { t: 'resume', session: catching.no, after: 2 },
      ]);
    });

    it('are told anew for the partition that has moved, and no other', () => {
      edge.live(0, 'one');
      edge.live(0, 'two');
      const group = (room: string): number => {
        let found = -1;
        edge.fanout.eachSession(room, (s) => (found = s.subscriptions.get(room)?.group.partition ?? -1));
        return found;
      };
      expect(group('one')).not.toBe(group('two'));
      expect(edge.sentSince(() => edge.fanout.attachAgain(group('two')))).toMatchObject([{ room: 'two' }]);
    });

    it('are told again until the actor has confirmed the newest', () => {
      const reader = edge.reader();
      edge.join(reader, { head: 4 });
      expect(edge.sentSince(() => edge.clock.advance(RETRY_MS))).toMatchObject([{ t: 'attach', after: 4 }]);
      edge.attached(4);
      expect(edge.sentSince(() => edge.clock.advance(3 * RETRY_MS))).toEqual([]);
    });

    it('of a session whose own was lost are told again, though the room was attached before', () => {
      edge.live();
      const second = edge.reader();
      edge.join(second);
      const again = edge.sentSince(() => edge.clock.advance(RETRY_MS));
      expect(again).toMatchObject([
        {
          t: 'attach',
          whole: true,
          sessions: [
            [1, 'user-1'],
            [second.no, second.user],
          ],
        },
      ]);
    });

    it('are told again when the actor counts other sessions than there are, unless one has just come or gone', () => {
      edge.live();
      const wrong = { c: 'head', room: ROOM, epoch: 1, head: 0, sessions: 3 } as const;
      edge.fanout.control(wrong);
      expect(edge.sentSince(() => edge.clock.advance(RETRY_MS))).toEqual([]);
      edge.fanout.control(wrong);
      expect(edge.sentSince(() => edge.clock.advance(RETRY_MS))).toMatchObject([
        { t: 'attach', whole: true },
      ]);
    });

    it('of very many sessions go out in parts, and the last one says where the stream is', () => {
      for (let i = 0; i < 2_500; i++) edge.join(edge.reader(), { head: 7 });
      edge.attached(7);
      const parts = edge.sentSince(() => edge.fanout.attachAgain(null)) as Extract<
        ActorCommand,
        { t: 'attach' }
      >[];
      expect(parts.map((p) => p.sessions.length)).toEqual([1_000, 1_000, 500]);
      expect(parts.map((p) => [p.after, p.whole, p.serial !== undefined])).toEqual([
        [null, true, false],
        [null, undefined, false],
        [7, undefined, true],
      ]);
    });
  });

  describe('leaving', () => {
    it('tells the actor, and ends the stream', () => {
      const [one, two] = [edge.live(), edge.live()];
      expect(edge.fanout.leave(one, ROOM)).toBe(true);
      expect(edge.fanout.leave(one, ROOM)).toBe(false);
      expect(edge.last('detach')).toEqual({ t: 'detach', room: ROOM, session: one.no });
      edge.messages(1, 1);
      expect([one.took, two.took]).toEqual([[], ['1']]);
    });

    it('gives the session what had come for it before', () => {
      const reader = edge.live();
      edge.fanout.message(ROOM, 1, 1, body(1));
      edge.fanout.leave(reader, ROOM);
      expect(reader.took).toEqual(['1']);
    });

    it('forgets a room that nobody is in any more', () => {
      edge.fanout.leave(edge.live(), ROOM);
      expect(edge.fanout.roomCount).toBe(0);
    });

    it('ends a session in the middle of catching up, and lets its answer come to nothing', () => {
      const reader = edge.live();
      reader.writable = false;
      edge.messages(1, 3);
      reader.writable = true;
      edge.fanout.drained(reader);
      edge.fanout.close(reader);
      edge.piece(reader, 0, 3);
      expect(reader.took).toEqual([]);
      expect([edge.fanout.sessionCount, edge.fanout.roomCount]).toEqual([0, 0]);
      expect(edge.sentSince(() => edge.clock.advance(3 * RETRY_MS))).toEqual([]);
    });

    it('lets the session’s other rooms catch up when it leaves the one that it waited for', () => {
      const reader = edge.live(0, 'one');
      edge.join(reader, { head: 0 }, 'two');
      edge.attached(0, 'two');
      reader.writable = false;
      edge.messages(1, 1, 1, 'one');
      edge.messages(1, 1, 1, 'two');
      reader.writable = true;
      edge.fanout.drained(reader);
      const told = edge.sentSince(() => edge.fanout.leave(reader, 'one'));
      expect(told).toMatchObject([
        { t: 'detach', room: 'one' },
        { t: 'resume', room: 'two' },
      ]);
    });
  });
});
