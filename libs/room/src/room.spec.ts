import type { AttachCommand, ControlRecord, Message, PieceHeader, ResumeCommand } from '@troupe/protocol';
import {
  type EdgeSink,
  type LoadedRoom,
  type PendingMessage,
  Room,
  type RoomLimits,
  type RoomOutput,
} from '.';

/*
 * A room in its ordinary life: waking, publishing, readers that come, lag, return and go, sleeping, changing hands.
 * The store is played by the test, which answers when it wants to.
 */

const AT = '2030-01-01T00:00:00.000Z';

class Edge implements EdgeSink {
  readonly id = 'edge';
  readonly records: string[] = [];

  message(_room: string, _epoch: number, seq: number): void {
    this.records.push(`message ${seq}`);
  }

  ack({ ref, seq, duplicate }: { ref: number; seq: number; duplicate: boolean }): void {
    this.records.push(`ack ${ref}: ${seq}${duplicate ? ' again' : ''}`);
  }

  piece({ after, upTo, gap, live }: PieceHeader, bodies: readonly Uint8Array[]): void {
    const told = gap ? `, gap ${gap.from}-${gap.to} ${gap.reason}` : '';
    this.records.push(`piece ${after}-${upTo} of ${bodies.length}${told}${live ? ', live' : ''}`);
  }

  control(record: ControlRecord): void {
    switch (record.c) {
      case 'attached':
      case 'head':
        return void this.records.push(`${record.c} at ${record.head} with ${record.sessions}`);
      case 'gap':
        return void this.records.push(`gap ${record.from}-${record.to} ${record.reason}`);
      case 'fail':
        return void this.records.push(`fail ${record.ref}: ${record.code}`);
      case 'moved':
        return void this.records.push(`moved ${record.refs.join()}`);
      default:
        return void this.records.push(record.c);
    }
  }

  take(): string[] {
    return this.records.splice(0);
  }
}

class World implements RoomOutput {
  saturated = false;
  readonly edge = new Edge();
  readonly events: string[] = [];
  readonly stored: Message[] = [];
  loads = 0;
  reserves = 0;
  private readonly commits: PendingMessage[] = [];
  private readonly promises: ((reservedTo: number | null) => void)[] = [];
  private readonly fetches: { after: number; limit: number; done: (m: Message[] | null) => void }[] = [];
  readonly room: Room;
  nowMs = 0;
  private refs = 0;

  constructor(
    limits: Partial<RoomLimits> = {},
    private readonly record: Partial<LoadedRoom> = {},
  ) {
    const ring = { messagesMax: 5, bytesMax: 1_000_000 };
    this.room = new Room('room', 1, { ring, pendingMax: 10, recentMax: 100, resumeMax: 50, ...limits }, this);
  }

  // ── What the room asks for ────────────────────────────────────────────────────────────────────────────────────

  load(): void {
    this.loads++;
  }

  commit(_room: string, message: PendingMessage): void {
    this.commits.push(message);
  }

  reserve(_room: string, done: (reservedTo: number | null) => void): void {
    this.reserves++;
    this.promises.push(done);
  }

  fetch(_room: string, page: { after: number; limit: number }, done: (m: Message[] | null) => void): void {
    this.fetches.push({ ...page, done });
  }

  changeMember(): void {
    throw new Error('not in these tests');
  }

  published(_message: { room: string }, body: Uint8Array): void {
    this.events.push((JSON.parse(Buffer.from(body).toString()) as Message).text);
  }

  memberChanged(): void {
    throw new Error('not in these tests');
  }

  // ── What the test does ────────────────────────────────────────────────────────────────────────────────────────

  loaded(head = this.stored.length): this {
    const record = { kind: 'group' as const, open: true, durable: true, onOverflow: 'drop-oldest' as const };
    const members = [{ user: 'alice', role: 'member' as const }];
    this.room.loaded({ ...record, members, head, ...this.record }, this.stamp());
    return this;
  }

  /** The store has these many messages already. */
  has(count: number): this {
    for (let seq = this.stored.length + 1; seq <= count; seq++) this.stored.push(message(seq));
    return this;
  }

  awake(): this {
    this.room.wake();
    return this.loaded();
  }

  publish(text: string, clientId?: string): void {
    const ref = ++this.refs;
    const id = clientId === undefined ? {} : { clientId };
    this.room.publish(
      { t: 'publish', ref, room: 'room', from: 'alice', id: `id-${ref}`, text, ...id },
      this.edge,
      this.stamp(),
    );
  }

  /** Stores what waits, and tells the room unless `silently`. */
  store(silently = false): this {
    for (const m of this.commits.splice(0)) {
      if (m.abandoned) continue;
      this.stored.push({ ...message(m.seq), text: m.text });
      if (!silently) this.room.committed(m);
    }
    return this;
  }

  say(...texts: string[]): this {
    for (const text of texts) {
      this.publish(text);
      this.store();
    }
    this.edge.take();
    return this;
  }

  promise(to: number | null): void {
    this.promises.shift()?.(to);
  }

  /** Answers the oldest page that was asked for from what is stored. */
  answerFetch(): void {
    const fetch = this.fetches.shift();
    fetch?.done(this.stored.filter(({ seq }) => seq > fetch.after).slice(0, fetch.limit));
  }

  attach(sessions: number[], more: Partial<AttachCommand> = {}, fresh = false): void {
    const users = sessions.map((no): [number, string] => [no, `user-${no}`]);
    this.room.attach(
      { t: 'attach', room: 'room', after: null, sessions: users, ...more },
      this.edge,
      this.stamp(),
      fresh,
    );
  }

  lagging(session: number, after: number): void {
    this.room.lagging({ t: 'lagging', room: 'room', session, after }, this.edge, this.stamp());
  }

  resume(session: number, after: number, mode: ResumeCommand['mode'] = 'mailbox', bytesMax = 100_000): void {
    const command = {
      t: 'resume' as const,
      room: 'room',
      session,
      user: `user-${session}`,
      after,
      mode,
      bytesMax,
    };
    this.room.resume(command, this.edge, this.stamp());
  }

  replay(after: number): void {
    this.room.replay({ t: 'replay', room: 'room', after }, this.edge, this.stamp());
  }

  private stamp(): { nowMs: number; at: string } {
    return { nowMs: this.nowMs, at: AT };
  }
}

function message(seq: number): Message {
  return { room: 'room', seq, id: `id-of-${seq}`, from: 'alice', text: `m${seq}`, at: AT };
}

describe('a room that wakes', () => {
  it('lets commands wait in order until it is loaded, and asks the store once', () => {
    const world = new World().has(3);
    world.publish('one');
    world.publish('two');
    expect(world.loads).toBe(1);
    world.loaded();
    world.store();
    expect(world.edge.take()).toEqual(['ack 1: 4', 'ack 2: 5']);
  });

  it('refuses all that wait when there is no such room, and asks again for the next', () => {
    const world = new World();
    world.publish('one');
    world.room.loaded(null, { nowMs: 0, at: AT });
    expect(world.edge.take()).toEqual(['fail 1: not_found']);
    expect(world.room.passivate(0)).toBe(true);
    world.publish('two');
    expect(world.loads).toBe(2);
  });

  it('needs no load for a session that attaches with what the store had', () => {
    const world = new World();
    world.attach([1, 2], { after: 7 });
    expect(world.loads).toBe(0);
    expect(world.edge.take()).toEqual(['attached at -1 with 2']);
  });

  it.each<[string, Partial<AttachCommand>, boolean]>([
    ['knows no head', { needHead: true }, false],
    ['attaches again to an owner that knows none', { after: 2, needHead: true }, false],
    ['attaches to an owner that is new', { after: 2 }, true],
  ])('is loaded for an edge that %s', (_, more, fresh) => {
    const world = new World().has(3);
    world.attach([1], more, fresh);
    expect([world.loads, world.edge.take()]).toEqual([1, []]);
    world.loaded();
    if (more.after === 2) world.answerFetch();
    expect(world.edge.take()).toEqual([...(more.after === 2 ? ['message 3'] : []), 'attached at 3 with 1']);
  });
});

describe('a room that publishes', () => {
  it('sends to the edge first and acks then, when the message is stored', () => {
    const world = new World().awake();
    world.attach([1]);
    world.edge.take();
    world.publish('one');
    expect(world.edge.take()).toEqual([]);
    world.store();
    expect(world.edge.take()).toEqual(['message 1', 'ack 1: 1']);
    expect(world.events).toEqual(['one']);
  });

  it('refuses more than may wait for the store', () => {
    const world = new World({ pendingMax: 2 }).awake();
    for (const text of ['one', 'two', 'three']) world.publish(text);
    expect(world.edge.take()).toEqual(['fail 3: room_busy']);
    world.store();
    world.saturated = true;
    world.publish('four');
    expect(world.edge.take()).toEqual(['ack 1: 1', 'ack 2: 2', 'fail 4: room_busy']);
  });

  it('gives out nothing while it is in doubt, so that a reload is not put off for ever', () => {
    const world = new World().awake();
    world.publish('one');
    world.room.reload(99, world.edge, { nowMs: 0, at: AT });
    world.publish('two');
    expect(world.loads).toBe(1);
    world.store();
    expect(world.loads).toBe(2);
    world.loaded();
    world.store();
    expect(world.edge.take()).toEqual(['ack 1: 1', 'done', 'ack 2: 2']);
  });

  it('sends out what an unanswered commit had stored, before anything new, and as an event too', () => {
    const world = new World().awake();
    world.attach([1]);
    world.publish('one');
    world.edge.take();
    world.store(true);
    world.room.commitFailed('unavailable');
    world.publish('two');
    world.loaded();
    world.answerFetch();
    world.store();
    expect(world.edge.take()).toEqual(['fail 1: unavailable', 'message 1', 'message 2', 'ack 2: 2']);
    expect(world.events).toEqual(['one', 'two']);
  });

  it('in a room that is not durable, gives out only seqs that this owner was promised', () => {
    const world = new World({}, { durable: false }).awake();
    world.publish('one');
    world.promise(3);
    for (const text of ['two', 'three']) world.publish(text);
    // Somebody else has reserved up to 200 since; a reload says so.
    world.room.reload(99, world.edge, { nowMs: 0, at: AT });
    world.loaded(200);
    expect(world.edge.take()).toEqual(['ack 1: 1', 'ack 2: 2', 'ack 3: 3', 'done']);
    world.publish('four');
    expect([world.reserves, world.edge.take()]).toEqual([2, []]);
    world.promise(null);
    expect(world.edge.take()).toEqual(['fail 4: unavailable']);
  });

  it('sends those who wait to the next owner when it closes', () => {
    const world = new World().awake();
    world.publish('one');
    world.room.close();
    world.store();
    expect(world.edge.take()).toEqual(['moved 1']);
    expect(world.events).toEqual([]);
  });
});

describe('a reader that lags', () => {
  it('is told what its mailbox lost, then what it has', () => {
    const world = new World().awake();
    world.attach([1]);
    world.say('1', '2', '3', '4', '5', '6', '7', '8');
    world.lagging(1, 1);
    world.resume(1, 1);
    expect(world.edge.take()).toEqual(['piece 1-8 of 5, gap 2-3 slow, live']);
  });

  it('reads again from where it says it is when a piece did not reach it', () => {
    const world = new World().awake();
    world.attach([1]);
    world.say('1', '2', '3', '4');
    world.lagging(1, 0);
    world.resume(1, 0, 'mailbox', 1);
    world.resume(1, 1, 'mailbox', 1);
    world.resume(1, 1, 'mailbox', 1);
    world.resume(1, 1);
    world.resume(1, 1);
    expect(world.edge.take()).toEqual([
      'piece 0-1 of 1',
      'piece 1-2 of 1',
      'piece 1-2 of 1',
      'piece 1-4 of 3, live',
      'piece 1-4 of 3, live',
    ]);
    expect(world.room.audience.ledger.totals).toEqual({ accepted: 4, delivered: 4, dropped: 0, waiting: 0 });
  });

  it('is served though its attachment was lost on the way', () => {
    const world = new World().awake().say('1', '2');
    world.resume(7, 1);
    expect(world.edge.take()).toEqual(['piece 1-2 of 1, live']);
    expect(world.room.audience.sessionsOf(world.edge)).toBe(1);
  });

  it('keeps the room awake, and lets it sleep when it has caught up', () => {
    const world = new World().awake();
    world.attach([1]);
    world.say('1', '2');
    world.lagging(1, 1);
    world.nowMs = 100_000;
    expect(world.room.passivate(50_000)).toBe(false);
    world.resume(1, 1);
    expect(world.room.passivate(50_000)).toBe(true);
  });
});

describe('a reader that returns', () => {
  it('is sent what has gone out and no more, though the store has more already', () => {
    const world = new World().has(10).awake();
    world.attach([1]);
    world.edge.take();
    world.publish('11');
    world.store(true);
    world.resume(1, 6, 'history');
    world.answerFetch();
    expect(world.edge.take()).toEqual(['piece 6-10 of 4']);
    world.resume(1, 10, 'history');
    expect(world.edge.take()).toEqual(['piece 10-10 of 0, live']);
  });

  it('is told at once what is too long ago', () => {
    const world = new World({ resumeMax: 4 }).has(10).awake();
    world.attach([1]);
    world.edge.take();
    world.resume(1, 2, 'history');
    world.answerFetch();
    expect(world.edge.take()).toEqual(['piece 2-10 of 4, gap 3-6 resume_limit']);
  });

  it('goes on in the ring as soon as it is within it, and is then in the books', () => {
    const world = new World().has(10).awake();
    world.attach([1]);
    world.say('11', '12');
    world.resume(1, 8, 'history');
    world.answerFetch();
    expect(world.edge.take()).toEqual(['piece 8-12 of 4']);
    world.say('13');
    world.resume(1, 12, 'history');
    expect(world.edge.take()).toEqual(['piece 12-13 of 1, live']);
    const { accepted, delivered, dropped, waiting } = world.room.audience.ledger.totals;
    expect([accepted - delivered - dropped - waiting, waiting]).toEqual([0, 0]);
  });

  it('is not served after it has left', () => {
    const world = new World().has(10).awake();
    world.attach([1]);
    world.resume(1, 6, 'history');
    world.edge.take();
    world.room.detach(world.edge, 1);
    world.answerFetch();
    expect(world.edge.take()).toEqual([]);
  });
});

describe('an edge that missed something', () => {
  it('gets it again from the ring, then hears where the room is', () => {
    const world = new World().awake();
    world.attach([1]);
    world.say('1', '2', '3');
    world.replay(1);
    expect(world.edge.take()).toEqual(['message 2', 'message 3', 'attached at 3 with 1']);
  });

  it('gets it again from the store, page by page, and what came meanwhile behind it', () => {
    const world = new World({ resumeMax: 1_000 }).has(250).awake();
    world.attach([1]);
    world.edge.take();
    world.replay(100);
    world.answerFetch();
    expect(world.edge.take()).toHaveLength(100);
    world.publish('251');
    world.store();
    world.edge.take();
    world.answerFetch();
    expect(world.edge.take().slice(-3)).toEqual(['message 250', 'message 251', 'attached at 251 with 1']);
  });

  it('is told of a gap where it is too much', () => {
    const world = new World({ resumeMax: 2 }, { durable: true }).awake();
    world.attach([1]);
    world.say('1', '2', '3', '4');
    world.replay(0);
    expect(world.edge.take()).toEqual([
      'gap 1-2 resume_limit',
      'message 3',
      'message 4',
      'attached at 4 with 1',
    ]);
  });

  it('hears the head again 1, 2, 4, 8 s after the room has gone quiet, until it sleeps', () => {
    const world = new World().awake();
    world.attach([1, 2]);
    world.say('1');
    const heard: number[] = [];
    for (world.nowMs = 0; world.nowMs <= 20_000; world.nowMs += 500) {
      world.room.repeatHead(world.nowMs);
      if (world.edge.take().includes('head at 1 with 2')) heard.push(world.nowMs);
    }
    expect(heard).toEqual([1_000, 2_000, 4_000, 8_000, 16_000]);
    expect(world.room.passivate(world.nowMs)).toBe(true);
    world.room.repeatHead(100_000);
    expect(world.edge.take()).toEqual([]);
  });

  it('has exactly the sessions that it names when it names them all', () => {
    const world = new World().awake();
    world.attach([1, 2, 3]);
    world.attach([3, 4], { whole: true, serial: 8 });
    expect(world.edge.take()).toEqual(['attached at 0 with 3', 'attached at 0 with 2']);
    world.attach([], { whole: true });
    expect(world.room.audience.edgeCount).toBe(0);
  });
});
