import type { ControlRecord, MemberCommand, Message, PieceHeader, PublishCommand } from '@troupe/protocol';
import {
  Backlog,
  type EdgeSink,
  type LoadedRoom,
  type MemberChange,
  type MemberChangeResult,
  type PendingMessage,
  Room,
  type RoomLimits,
  type RoomOutput,
} from '.';

/*
 * A room whose store answers late, twice, not at all, or about the past. The store is played by the test:
 *
 *   test → Room → requests, kept here until the test answers them        Room → records to one edge, written down
 */

const STAMP = { nowMs: 0, at: '2030-01-01T00:00:00.000Z' };

class Edge implements EdgeSink {
  readonly records: string[] = [];
  readonly pieces: PieceHeader[] = [];
  constructor(readonly id = 'edge') {}
  message(_room: string, _epoch: number, seq: number): void {
    this.records.push(`message ${seq}`);
  }
  ack({ ref, seq, duplicate }: { ref: number; seq: number; duplicate: boolean }): void {
    this.records.push(`ack ${ref} as ${seq}${duplicate ? ' again' : ''}`);
  }
  piece(header: PieceHeader): void {
    this.pieces.push(header);
  }
  control(record: ControlRecord): void {
    if (record.c === 'fail') this.records.push(`fail ${record.ref} ${record.code}`);
    else if (record.c === 'done') this.records.push(`done ${record.ref}`);
    else if (record.c === 'moved') this.records.push(`moved ${record.refs.join()}`);
    else this.records.push(record.c);
  }
  take(): string[] {
    return this.records.splice(0);
  }
}

class Store implements RoomOutput {
  saturated = false;
  loads = 0;
  readonly commits: PendingMessage[] = [];
  readonly fetches: { after: number; done: (messages: Message[] | null) => void }[] = [];
  readonly changes: { change: MemberChange; done: (result: MemberChangeResult) => void }[] = [];
  readonly notices: string[] = [];
  load(): void {
    this.loads++;
  }
  commit(_room: string, message: PendingMessage): void {
    this.commits.push(message);
  }
  reserve(): void {
    throw new Error('not in these tests');
  }
  fetch(_room: string, { after }: { after: number }, done: (messages: Message[] | null) => void): void {
    this.fetches.push({ after, done });
  }
  changeMember(change: MemberChange, done: (result: MemberChangeResult) => void): void {
    this.changes.push({ change, done });
  }
  published(): void {
    return;
  }
  memberChanged({ user, change }: MemberChange): void {
    this.notices.push(`${user} ${change}`);
  }
}

const LOADED: LoadedRoom = {
  kind: 'group',
  open: true,
  durable: true,
  onOverflow: 'drop-oldest',
  members: [{ user: 'alice', role: 'member' }],
  head: 10,
};

class World {
  readonly store = new Store();
  readonly edge = new Edge();
  readonly room: Room;
  private made = 0;

  constructor(
    limits: Partial<RoomLimits> = {},
    private readonly record: Partial<LoadedRoom> = {},
    backlog?: Backlog,
  ) {
    const ring = { messagesMax: 100, bytesMax: 1_000_000 };
    const all = { ring, pendingMax: 1_000, recentMax: 100, resumeMax: 1_000, ...limits };
    this.room = new Room('room', 1, all, this.store, undefined, backlog);
  }

  /** Attaches session 1 and loads the room. */
  awake(): this {
    this.attach();
    this.loaded();
    this.edge.take();
    return this;
  }

  attach(): void {
    const sessions: [number, string][] = [[1, 'alice']];
    const command = { t: 'attach' as const, room: 'room', after: null, needHead: true as const, sessions };
    this.room.attach(command, this.edge, STAMP, false);
  }

  loaded(record: Partial<LoadedRoom> = {}): void {
    this.room.loaded({ ...LOADED, ...this.record, ...record }, STAMP);
  }

  publish(ref: number, more: Partial<PublishCommand> = {}): void {
    const id = `id-${++this.made}`;
    this.room.publish(
      { t: 'publish', ref, room: 'room', from: 'alice', id, text: 'hello', ...more },
      this.edge,
      STAMP,
    );
  }

  member(ref: number, change: 'join' | 'leave', user = 'alice'): void {
    const command: MemberCommand = { t: 'member', ref, room: 'room', user, by: user, change };
    this.room.member(command, this.edge, STAMP);
  }

  /** The store has the oldest message that was asked for. */
  commit(): void {
    this.room.committed(this.store.commits.shift()!);
  }
}

function stored(...seqs: number[]): Message[] {
  return seqs.map((seq) => ({ room: 'room', seq, id: `id-${seq}`, from: 'alice', text: '', at: STAMP.at }));
}

describe('a commit that becomes visible after the load that looked for it', () => {
  it('reaches the readers when its repeat shows that it is there', () => {
    const { room, store, edge, ...w } = world();
    w.publish(1, { clientId: 'once' });
    room.commitFailed('unavailable');
    w.loaded();
    w.publish(2, { clientId: 'once' });
    edge.take();

    const repeat = store.commits[1]!;
    room.duplicate(repeat, { seq: 11, id: 'id-1', at: STAMP.at });
    w.loaded({ head: 11 });
    store.fetches[0]!.done(stored(11));

    expect(edge.take()).toEqual(['ack 2 as 11 again', 'message 11']);
    w.publish(3);
    expect(store.commits.at(-1)?.seq).toBe(12);
  });
});

describe('a load', () => {
  it('waits for the membership change that is being written, and so tells of it', () => {
    const { room, store, edge, ...w } = world();
    w.publish(1);
    w.member(2, 'leave');
    room.commitFailed('unavailable');
    expect(store.loads).toBe(1);

    store.changes[0]!.done('done');
    expect(store.loads).toBe(2);
    w.loaded({ members: [] });
    edge.take();
    w.publish(3);
    expect(edge.take()).toEqual(['fail 3 not_member']);
  });

  it('is asked for once more when the row changed after it was asked for', () => {
    const { room, store, edge, ...w } = world();
    room.reload(1, edge, STAMP);
    w.publish(2);
    room.reload(3, edge, STAMP);
    w.loaded();
    expect([store.loads, store.commits.length, edge.take()]).toEqual([3, 0, []]);

    w.loaded();
    expect(store.commits).toHaveLength(1);
    expect(edge.take()).toEqual(['done 1', 'done 3']);
    expect(store.loads).toBe(3);
  });
});

describe('membership changes while the store is slow', () => {
  it('are refused past a bound', () => {
    const { store, edge, ...w } = world();
    for (let ref = 1; ref <= 300; ref++) w.member(ref, 'join', `user-${ref}`);
    expect(store.changes).toHaveLength(1);
    expect(edge.take()).toEqual(Array.from({ length: 43 }, (_, i) => `fail ${258 + i} room_busy`));
  });

  it('are all told when one is not answered, and none of them is written later', () => {
    const { store, edge, ...w } = world();
    for (const user of ['bob', 'charlie', 'dora']) w.member(user.length, 'join', user);
    store.changes[0]!.done('unavailable');
    expect(edge.take().sort()).toEqual(['fail 3 unavailable', 'fail 4 unavailable', 'fail 7 unavailable']);
    expect(store.changes).toHaveLength(1);
    expect(store.loads).toBe(2);
  });

  it('are written once however often they are sent again', () => {
    const { store, edge, ...w } = world();
    for (let i = 0; i < 3; i++) {
      w.member(1, 'join', 'bob');
      w.member(2, 'join', 'charlie');
    }
    store.changes[0]!.done('done');
    store.changes[1]!.done('done');
    expect(store.changes.map(({ change }) => change.user)).toEqual(['bob', 'charlie']);
    expect(edge.take()).toEqual(['event', 'done 1', 'event', 'done 2']);
  });

  it('are answered as done again when the answer was lost', () => {
    const { store, edge, ...w } = world();
    w.member(1, 'leave');
    store.changes[0]!.done('done');
    edge.take();
    w.member(1, 'leave');
    w.member(2, 'leave');
    expect(edge.take()).toEqual(['done 1', 'fail 2 not_member']);
  });

  it('are the next owner’s affair when the room closes, but for the one that is being written', () => {
    const { room, store, edge, ...w } = world();
    w.member(1, 'join', 'bob');
    w.member(2, 'join', 'charlie');
    room.close();
    expect(edge.take()).toEqual(['moved 2']);
    store.changes[0]!.done('done');
    expect(store.changes).toHaveLength(1);
    expect(store.notices).toEqual(['bob join']);
    expect(edge.take()).toContain('done 1');
  });
});

describe('what a room keeps', () => {
  it('is no more settled messages than it is set to remember, and all pending ones', () => {
    const { edge, store, ...w } = world({ recentMax: 1 });
    for (const clientId of ['a', 'b']) w.publish(1, { clientId });
    for (const clientId of ['a', 'b']) w.publish(2, { clientId });
    expect(store.commits).toHaveLength(2);
    w.commit();
    w.commit();
    edge.take();
    for (const clientId of ['b', 'a']) w.publish(3, { clientId });
    expect(edge.take()).toEqual(['ack 3 as 12 again']);
    expect(store.commits).toHaveLength(1);
  });

  it('counts the data of a message that waits for the store', () => {
    const { store, ...w } = world();
    w.publish(1, { text: 'é'.repeat(10), data: { long: 'x'.repeat(5_000) } });
    expect(store.commits[0]?.bytes).toBeGreaterThan(5_020);
    expect(store.commits[0]?.bytes).toBeLessThan(5_500);
  });

  it('is bounded in bytes over all rooms that wait to be loaded', () => {
    const backlog = new Backlog(10_000);
    const [one, other] = [new World({}, {}, backlog), new World({}, {}, backlog)];
    one.publish(1, { data: { long: 'x'.repeat(6_000) } });
    other.publish(2, { data: { long: 'x'.repeat(6_000) } });
    expect([one.edge.take(), other.edge.take()]).toEqual([[], ['fail 2 room_busy']]);

    one.loaded();
    other.publish(3, { data: { long: 'x'.repeat(6_000) } });
    other.loaded();
    expect(one.store.commits).toHaveLength(1);
    expect(other.store.commits).toHaveLength(1);
  });
});

describe('a reader whose answer was lost', () => {
  it('is told again that its mailbox has overflowed', () => {
    const { room, edge, ...w } = world(
      { ring: { messagesMax: 2, bytesMax: 1_000_000 } },
      { onOverflow: 'disconnect' },
    );
    room.lagging({ t: 'lagging', room: 'room', session: 1, after: 10 }, edge, STAMP);
    for (let i = 0; i < 3; i++) {
      w.publish(i);
      w.commit();
    }
    expect(edge.take()).toContain('overflow');
    const resume = { t: 'resume' as const, room: 'room', session: 1, user: 'alice', after: 10 };
    room.resume({ ...resume, mode: 'mailbox', bytesMax: 1_000 }, edge, STAMP);
    expect(edge.take()).toEqual(['overflow']);
    expect(edge.pieces).toEqual([]);
  });
});

describe('replays to one edge', () => {
  it('become one: the latest goes on, and all are answered when it is through', () => {
    const { room, store, edge, ...w } = world({ ring: { messagesMax: 1, bytesMax: 1_000_000 } });
    w.publish(1);
    w.commit();
    w.publish(2);
    w.commit();
    edge.take();
    const other = new Edge('other');
    room.replay({ t: 'replay', room: 'room', after: 9 }, edge, STAMP);
    room.replay({ t: 'replay', room: 'room', after: 9 }, other, STAMP);
    room.replay({ t: 'replay', room: 'room', after: 10 }, edge, STAMP);
    expect(store.fetches.map(({ after }) => after)).toEqual([9, 9, 10]);

    store.fetches[0]!.done(stored(10, 11));
    expect(edge.take()).toEqual([]);
    store.fetches[2]!.done(stored(11));
    expect(edge.take()).toEqual(['message 11', 'message 12', 'attached', 'attached']);
    store.fetches[1]!.done(stored(10, 11));
    expect(other.take()).toEqual(['message 10', 'message 11', 'message 12', 'attached']);
  });

  it('begin anew after one that the store did not answer', () => {
    const { room, store, edge, ...w } = world({ ring: { messagesMax: 1, bytesMax: 1_000_000 } });
    for (let ref = 1; ref <= 2; ref++) {
      w.publish(ref);
      w.commit();
    }
    edge.take();
    room.replay({ t: 'replay', room: 'room', after: 10 }, edge, STAMP);
    store.fetches[0]!.done(null);
    room.replay({ t: 'replay', room: 'room', after: 10 }, edge, STAMP);
    store.fetches[1]!.done(stored(11));
    expect(edge.take()).toEqual(['message 11', 'message 12', 'attached']);
  });
});

/** An awake room, with its methods bound so that a test can take it apart. */
function world(limits: Partial<RoomLimits> = {}, record: Partial<LoadedRoom> = {}) {
  const w = new World(limits, record).awake();
  return {
    room: w.room,
    store: w.store,
    edge: w.edge,
    publish: (...args: Parameters<World['publish']>) => w.publish(...args),
    member: (...args: Parameters<World['member']>) => w.member(...args),
    loaded: (...args: Parameters<World['loaded']>) => w.loaded(...args),
    commit: () => w.commit(),
  };
}
