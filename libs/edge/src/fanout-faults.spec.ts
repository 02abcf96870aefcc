import type { ActorCommand, ControlRecord, PieceHeader } from '@troupe/protocol';
import { SimClock } from '@troupe/testing';
import { Fanout } from './fanout';
import type { Outlet } from './outlet';
import type { EdgeSession, JoinOptions, Subscription } from './room-group';

/*
 * What becomes of readers when something does not come: an answer, an owner, a 'drain', a message of the stream.
 *
 *   records → Fanout → sockets of this file        Fanout → commands, seen here
 */

const RETRY_MS = 1_000;
const JOIN_WAIT_MS = 800;

class Socket implements Outlet {
  writable = true;
  readonly got: string[] = [];
  write(frames: Uint8Array): void {
    this.got.push(Buffer.from(frames).toString());
  }
  control(frame: Uint8Array): void {
    this.got.push(Buffer.from(frame).toString());
  }
  overflow(): void {
    this.got.push('overflow');
  }
}

class Session implements EdgeSession {
  readonly outlet = new Socket();
  readonly subscriptions = new Map<string, Subscription>();
  catching: Subscription | null = null;
  readonly user: string;
  constructor(readonly no: number) {
    this.user = `user-${no}`;
  }
}

class Edge {
  readonly clock = new SimClock();
  readonly sent: ActorCommand[] = [];
  readonly fanout = new Fanout(
    {
      clock: this.clock,
      codec: (body) => body,
      send: (command) => void this.sent.push(command),
      delivered: () => undefined,
      repaired: () => undefined,
    },
    { pieceBytes: 1_000, chunkBytes: 1_000, retryMs: RETRY_MS, joinWaitMs: JOIN_WAIT_MS },
  );
  private made = 0;

  constructor() {
    this.fanout.start();
  }

  session(): Session {
    const session = new Session(++this.made);
    this.fanout.open(session);
    return session;
  }

  /** Joins and begins at once; gives what was told as the head, when it was told. */
  join(session: Session, room: string, options: JoinOptions): number[] {
    const heads: number[] = [];
    this.fanout.join(session, room, options, (head, go) => {
      heads.push(head());
      go();
    });
    return heads;
  }

  attached(room: string, head: number, serial = 1): void {
    this.control({ c: 'attached', room, epoch: 1, head, sessions: 1, serial });
  }

  control(record: ControlRecord): void {
    this.fanout.control(record);
  }

  message(room: string, seq: number): void {
    this.fanout.message(room, 1, seq, Buffer.from(`${seq};`));
  }

  piece(header: Omit<PieceHeader, 'epoch'>, bodies: string[] = []): void {
    this.fanout.piece(
      { ...header, epoch: 1 },
      bodies.map((body) => Buffer.from(body)),
    );
  }

  take(t: ActorCommand['t']): ActorCommand[] {
    const taken = this.sent.filter((command) => command.t === t);
    this.sent.length = 0;
    return taken;
  }
}

describe('a session that joins while nobody answers', () => {
  it('goes ahead after its own wait, however long the room has been without an answer', () => {
    const edge = new Edge();
    const first = edge.join(edge.session(), 'room', { head: 10 });
    edge.clock.advance(5 * JOIN_WAIT_MS);
    const second = edge.join(edge.session(), 'room', { head: 10 });

    edge.clock.advance(JOIN_WAIT_MS - 1);
    expect([first, second]).toEqual([[10], []]);
    edge.clock.advance(1);
    expect(second).toEqual([10]);
  });

  it('is told that it is late where nobody knows the head, and is ready once the actor has said it', () => {
    const edge = new Edge();
    const session = edge.session();
    let late = 0;
    const heads = edge.join(session, 'room', { head: -1, late: () => late++ });
    edge.clock.advance(10 * JOIN_WAIT_MS);
    expect([late, heads]).toEqual([1, []]);

    edge.take('replay');
    edge.attached('room', 5_000);
    edge.message('room', 5_001);
    edge.fanout.distributeAll();

    expect(heads).toEqual([5_000]);
    expect(session.outlet.got).toEqual(['5001;']);
    expect(edge.take('replay')).toEqual([]);
  });

  it('is told when it leaves before the answer, and gets no other', () => {
    const edge = new Edge();
    const session = edge.session();
    let left = 0;
    const heads = edge.join(session, 'room', { head: 10, left: () => left++ });
    edge.fanout.leave(session, 'room');
    edge.attached('room', 10);
    edge.clock.advance(10 * JOIN_WAIT_MS);
    expect([left, heads]).toEqual([1, []]);
  });

  it('is told nothing when it closes', () => {
    const edge = new Edge();
    const session = edge.session();
    let left = 0;
    edge.join(session, 'room', { head: 10, left: () => left++ });
    edge.fanout.close(session);
    expect(left).toBe(0);
  });
});

describe('an event of a room', () => {
  const event = { c: 'event' as const, room: 'room', frame: 'event;', except: 'nobody' };

  it('does not reach a session that has not been told that it is in', () => {
    const edge = new Edge();
    const [joining, held] = [edge.session(), edge.session()];
    let go = (): void => undefined;
    edge.fanout.join(held, 'room', { head: 10 }, (_head, begin) => (go = begin));
    edge.attached('room', 10);
    edge.control(event);
    expect(held.outlet.got).toEqual([]);
    go();
    edge.control(event);
    expect(held.outlet.got).toEqual(['event;']);

    edge.join(joining, 'other', { head: 10 });
    edge.control({ ...event, room: 'other' });
    expect(joining.outlet.got).toEqual([]);
  });

  it('comes after the messages that came before it in the same turn', () => {
    const edge = new Edge();
    const session = edge.session();
    edge.join(session, 'room', { head: 10 });
    edge.attached('room', 10);
    edge.message('room', 11);
    edge.control(event);
    edge.message('room', 12);
    edge.fanout.distributeAll();
    expect(session.outlet.got).toEqual(['11;', 'event;', '12;']);
  });
});

describe('a session with several rooms to catch up', () => {
  function returning(): { edge: Edge; session: Session } {
    const edge = new Edge();
    const session = edge.session();
    for (const room of ['a', 'b']) edge.join(session, room, { head: 10, resumeAfter: 5 });
    edge.attached('a', 10);
    edge.attached('b', 10);
    expect(edge.take('resume')).toMatchObject([{ room: 'a' }]);
    return { edge, session };
  }

  it('goes on with the next one when it leaves the room that is being caught up', () => {
    const { edge, session } = returning();
    edge.fanout.leave(session, 'a');
    expect(edge.take('resume')).toMatchObject([{ room: 'b', after: 5 }]);
  });

  it('asks for nothing when it closes', () => {
    const { edge, session } = returning();
    edge.fanout.close(session);
    edge.clock.advance(3 * RETRY_MS);
    expect(edge.take('resume')).toEqual([]);
  });
});

describe('a session that lags', () => {
  it('goes on when its socket can take more, even if nobody said that it drained', () => {
    const edge = new Edge();
    const session = edge.session();
    edge.join(session, 'room', { head: 10 });
    edge.attached('room', 10);
    session.outlet.writable = false;
    edge.message('room', 11);
    edge.fanout.distributeAll();
    edge.clock.advance(3 * RETRY_MS);
    expect(edge.take('resume')).toEqual([]);

    session.outlet.writable = true;
    edge.clock.advance(RETRY_MS);
    expect(edge.take('resume')).toMatchObject([{ room: 'room', after: 10 }]);

    edge.piece({ room: 'room', session: 1, after: 10, upTo: 11, live: true }, ['11;']);
    edge.message('room', 12);
    edge.fanout.distributeAll();
    expect(session.outlet.got).toEqual(['11;', '12;']);
    edge.clock.advance(3 * RETRY_MS);
    expect(edge.take('resume')).toEqual([]);
  });

  it.each([
    ['is told to the new owner with its place in the mailbox', undefined, ['attach', 'lagging']],
    ['is not, while it reads history: an empty ring would have overflowed it', 5, ['attach']],
  ])('%s', (_, resumeAfter, commands) => {
    const edge = new Edge();
    const session = edge.session();
    edge.join(session, 'room', resumeAfter === undefined ? { head: 10 } : { head: 10, resumeAfter });
    session.outlet.writable = false;
    edge.attached('room', 10);
    edge.message('room', 11);
    edge.fanout.distributeAll();
    edge.sent.length = 0;

    edge.fanout.attachAgain(null);
    expect(edge.sent.map(({ t }) => t)).toEqual(commands);
  });
});

describe('a hole in the stream', () => {
  function live(edge: Edge): Session {
    const session = edge.session();
    edge.join(session, 'room', { head: 10 });
    edge.attached('room', 10);
    return session;
  }

  it('is repaired as soon as a session comes back that has more than the stream', () => {
    const edge = new Edge();
    live(edge);
    const ahead = edge.session();
    edge.join(ahead, 'room', { head: 10, resumeAfter: 5 });
    expect(edge.take('resume')).toHaveLength(1);

    edge.piece({ room: 'room', session: ahead.no, after: 5, upTo: 12, live: true });
    expect(edge.take('replay')).toEqual([{ t: 'replay', room: 'room', after: 10 }]);
  });

  it('is repaired at once after an earlier one was closed, and is asked for once while it is open', () => {
    const edge = new Edge();
    const session = live(edge);
    edge.message('room', 12);
    edge.message('room', 13);
    expect(edge.take('replay')).toEqual([{ t: 'replay', room: 'room', after: 10 }]);

    for (const seq of [11, 12, 13]) edge.message('room', seq);
    edge.message('room', 15);
    edge.message('room', 16);
    expect(edge.take('replay')).toEqual([{ t: 'replay', room: 'room', after: 13 }]);

    edge.clock.advance(RETRY_MS);
    expect(edge.take('replay')).toEqual([{ t: 'replay', room: 'room', after: 13 }]);
    for (const seq of [14, 15, 16]) edge.message('room', seq);
    edge.fanout.distributeAll();
    expect(session.outlet.got.join('')).toBe('11;12;13;14;15;16;');
  });
});
