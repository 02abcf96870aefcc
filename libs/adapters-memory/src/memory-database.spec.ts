import { StoreUnavailable } from '@troupe/ports';
import type { CommitRow, Fence } from '@troupe/ports';
import { partitionOf } from '@troupe/protocol';
import { SimClock, SimIds, seededRandom } from '@troupe/testing';
import { MemoryDatabase } from './memory-database';
import type { StoreFault } from './memory-database';
import { MemoryLeaseStore } from './memory-lease-store';
import { MemoryRoomStore } from './memory-room-store';

const ROOM = 'room';
const TTL = { ttlMs: 1_000 };

describe('the database in memory', () => {
  let clock: SimClock;
  let ids: SimIds;
  let asked: string[];
  let fault: StoreFault;
  let db: MemoryDatabase;
  let rooms: MemoryRoomStore;
  let leases: MemoryLeaseStore;

  beforeEach(() => {
    clock = new SimClock();
    ids = new SimIds(clock, seededRandom(1));
    asked = [];
    fault = 'none';
    db = new MemoryDatabase({
      clock,
      faults: (operation) => {
        asked.push(operation);
        return fault;
      },
    });
    rooms = new MemoryRoomStore(db);
    leases = new MemoryLeaseStore(db);
    const settings = { kind: 'group', title: null, open: true, durable: true } as const;
    db.createRoom({ room: ROOM, ...settings, onOverflow: 'drop-oldest' });
  });

  const row = (seq: number, other: Partial<CommitRow> = {}): CommitRow => ({
    room: ROOM,
    partition: partitionOf(ROOM),
    seq,
    id: ids.uuid(),
    from: 'alice',
    clientId: null,
    text: 'hello',
    data: null,
    at: clock.wallTime(),
    ...other,
  });
  const own = async (pod: string): Promise<Fence> => {
    const taken = await leases.acquire(pod, { max: 256, ...TTL });
    return { pod, epochs: new Map(taken.map((l) => [l.partition, l.epoch])) };
  };
  const seqs = async (): Promise<number[]> =>
    (await rooms.history(ROOM, { limit: 200 })).messages.map((m) => m.seq);

  it('fails before an operation took effect', async () => {
    const fence = await own('pod');
    fault = 'fail-before';
    await expect(rooms.commit([row(1)], fence)).rejects.toThrow(StoreUnavailable);
    fault = 'none';
    expect(await seqs()).toEqual([]);
  });

  it('fails after an operation took effect, so that trying again finds the first one', async () => {
    const fence = await own('pod');
    const message = row(1, { clientId: 'once' });
    fault = 'fail-after';
    await expect(rooms.commit([message], fence)).rejects.toThrow(StoreUnavailable);
    fault = 'none';
    expect(await seqs()).toEqual([1]);
    const again = await rooms.commit([{ ...message, id: ids.uuid(), seq: 2 }], fence);
    expect(again).toMatchObject({
      kind: 'duplicates',
      found: [{ seq: 1, id: message.id, clientId: 'once' }],
    });
  });

  it('fails every operation of both stores, by its name', async () => {
    fault = 'fail-after';
    const fence: Fence = { pod: 'pod', epochs: new Map() };
    const member = { room: ROOM, partition: 0, user: 'ann', role: 'member' } as const;
    const operations: [string, () => Promise<unknown>][] = [
      ['load', () => rooms.load([ROOM])],
      ['heads', () => rooms.heads([ROOM])],
      ['commit', () => rooms.commit([], fence)],
      ['reserve', () => rooms.reserve(ROOM, 0, 1, fence)],
      ['putMember', () => rooms.putMember(member, fence)],
      ['removeMember', () => rooms.removeMember(member, fence)],
      ['history', () => rooms.history(ROOM, { limit: 1 })],
      ['acquire', () => leases.acquire('pod', { max: 1, ...TTL })],
      ['renew', () => leases.renew('pod', TTL)],
      ['release', () => leases.release('pod')],
      ['census', () => leases.census()],
    ];
    for (const [, operation] of operations) await expect(operation()).rejects.toThrow(StoreUnavailable);
    expect(asked).toEqual(operations.map(([name]) => name));
  });

  it('answers within microtasks, so that a simulation needs no real time', async () => {
    let answered = false;
    void rooms.load([ROOM]).then(() => {
      answered = true;
    });
    expect(answered).toBe(false);
    for (let i = 0; i < 5; i++) await Promise.resolve();
    expect(answered).toBe(true);
  });

  it('fences a writer by epoch alone: an expired lease that nobody took still writes', async () => {
    const fence = await own('pod');
    clock.advance(10 * TTL.ttlMs);
    expect(await rooms.commit([row(1)], fence)).toEqual({ kind: 'committed', lost: new Set() });
    await own('other');
    const lost = new Set([partitionOf(ROOM)]);
    expect(await rooms.commit([row(2)], fence)).toEqual({ kind: 'committed', lost });
    expect(await seqs()).toEqual([1]);
  });

  it('ends leases by the clock that it was given, to the millisecond', async () => {
    await own('pod');
    clock.advance(TTL.ttlMs - 1);
    expect((await own('other')).epochs.size).toBe(0);
    clock.advance(1);
    expect((await own('other')).epochs.size).toBe(256);
  });

  it('remembers under which epoch each message was written', async () => {
    await rooms.commit([row(1)], await own('pod'));
    await leases.release('pod');
    await rooms.commit([row(2)], await own('other'));
    expect(db.log(ROOM).rows.map((m) => [m.seq, m.epoch])).toEqual([
      [1, 1],
      [2, 2],
    ]);
  });

  it('does not take a batch that clashes with itself for one that clashes with what is stored', async () => {
    const fence = await own('pod');
    await expect(rooms.commit([row(1), row(1)], fence)).rejects.toThrow(RangeError);
    const twice = [row(1, { clientId: 'same' }), row(2, { clientId: 'same' })];
    await expect(rooms.commit(twice, fence)).rejects.toThrow(RangeError);
    expect(await seqs()).toEqual([]);
  });

  it('keeps nothing of what the caller holds', async () => {
    const fence = await own('pod');
    const data = { nested: { value: 1 } };
    await rooms.commit([row(1, { data })], fence);
    data.nested.value = 2;
    const read = async () => (await rooms.history(ROOM, { limit: 1 })).messages[0]?.data;
    const first = await read();
    expect(first).toEqual({ nested: { value: 1 } });
    first!['nested'] = 3;
    expect(await read()).toEqual({ nested: { value: 1 } });
  });
});
