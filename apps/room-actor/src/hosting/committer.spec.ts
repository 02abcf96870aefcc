import { MemoryDatabase, MemoryRoomStore } from '@troupe/adapters-memory';
import { type CommitOutcome, type CommitRow, StoreUnavailable } from '@troupe/ports';
import { type PendingMessage, Room, type RoomOutput } from '@troupe/room';
import { SimClock } from '@troupe/testing';
import { Committer, QUEUE_BYTES_MAX } from './committer';
import type { Partition } from './partition';

/*
 * The pod's write queue, with rooms that only write down what they are told, and a store that answers when the test says.
 */

class ToldRoom extends Room {
  readonly told: string[] = [];
  throws = false;
  override committed({ seq }: PendingMessage): void {
    if (this.throws) throw new Error('a bug');
    this.told.push(`committed ${seq}`);
  }
  override commitFailed(code: string): void {
    this.told.push(`failed ${code}`);
    if (this.throws) throw new Error('another bug');
  }
}

class SlowStore extends MemoryRoomStore {
  readonly batches: {
    rows: readonly CommitRow[];
    answer: (outcome: CommitOutcome) => void;
    fail: () => void;
  }[] = [];
  override commit(rows: readonly CommitRow[]): Promise<CommitOutcome> {
    return new Promise((resolve, reject) => {
      this.batches.push({ rows, answer: resolve, fail: () => reject(new StoreUnavailable('away')) });
    });
  }
}

class World {
  readonly clock = new SimClock();
  readonly store = new SlowStore(new MemoryDatabase({ clock: this.clock }));
  readonly lost: [number, number][] = [];
  readonly errors: unknown[] = [];
  readonly committer = new Committer(
    'pod',
    this.store,
    this.clock,
    { batchMessagesMax: 10, batchBytesMax: 10_000, queueMax: 1_000 },
    { committed: () => undefined, fenced: () => undefined },
    (partition, epoch) => void this.lost.push([partition, epoch]),
    (error) => void this.errors.push(error),
  );

  room(id: string): ToldRoom {
    const limits = {
      ring: { messagesMax: 10, bytesMax: 1_000 },
      pendingMax: 10,
      recentMax: 10,
      resumeMax: 10,
    };
    return new ToldRoom(id, 1, limits, {} as RoomOutput);
  }

  add(room: ToldRoom, seq: number, bytes = 300, partition = PARTITION): void {
    this.committer.add(partition, room, {
      room: room.id,
      seq,
      id: `${room.id}-${seq}`,
      from: 'alice',
      clientId: undefined,
      text: '',
      data: undefined,
      at: '2030-01-01T00:00:00.000Z',
      replyTo: [],
      abandoned: false,
      key: '',
      bytes,
    });
  }
}

const PARTITION: Partition = { id: 7, epoch: 5, acquiredAtMs: 0, rooms: new Map() };

describe('a committer', () => {
  it('tells the other rooms of a batch the truth when one of them throws', async () => {
    const world = new World();
    const [broken, sound] = [world.room('broken'), world.room('sound')];
    broken.throws = true;
    world.add(broken, 1);
    world.add(sound, 1);
    await world.clock.settle();
    world.store.batches[0]?.answer({ kind: 'committed', lost: new Set() });
    await world.clock.settle();
    expect(sound.told).toEqual(['committed 1']);
    expect(broken.told).toEqual(['failed unavailable']);
    expect(world.errors).toHaveLength(2);
  });

  it('outlives a room that throws when it is told of a failure, and writes on', async () => {
    const world = new World();
    const [broken, sound] = [world.room('broken'), world.room('sound')];
    broken.throws = true;
    world.add(broken, 1);
    world.add(sound, 1);
    await world.clock.settle();
    world.store.batches[0]?.fail();
    await world.clock.settle();
    expect(sound.told).toEqual(['failed unavailable']);

    world.add(sound, 1);
    await world.clock.settle();
    world.store.batches[1]?.answer({ kind: 'committed', lost: new Set() });
    await world.clock.settle();
    expect(sound.told).toEqual(['failed unavailable', 'committed 1']);
  });

  it('says under which epoch a partition was lost', async () => {
    const world = new World();
    world.add(world.room('room'), 1);
    await world.clock.settle();
    world.store.batches[0]?.answer({ kind: 'committed', lost: new Set([7]) });
    await world.clock.settle();
    expect(world.lost).toEqual([[7, 5]]);
  });

  it('tells no room that a message is stored which the fence kept out, whoever else hears of it', async () => {
    const world = new World();
    const [lost, kept] = [world.room('lost'), world.room('kept')];
    world.add(lost, 1);
    world.add(kept, 1, 300, { ...PARTITION, id: 8 });
    await world.clock.settle();
    world.store.batches[0]?.answer({ kind: 'committed', lost: new Set([7]) });
    await world.clock.settle();
    expect([lost.told, kept.told]).toEqual([[], ['committed 1']]);
  });

  it('fills a batch up to its bytes, whatever makes a message large', async () => {
    const world = new World();
    const room = world.room('room');
    for (let seq = 1; seq <= 5; seq++) world.add(room, seq, 4_000);
    await world.clock.settle();
    expect(world.store.batches[0]?.rows.map(({ seq }) => seq)).toEqual([1, 2]);
  });

  it('is full when too many bytes wait, and is not any more when they are on their way', async () => {
    const world = new World();
    const room = world.room('room');
    world.add(room, 1);
    await world.clock.settle();
    world.add(room, 2, QUEUE_BYTES_MAX - 1);
    expect(world.committer.full).toBe(false);
    world.add(room, 3, 1);
    expect(world.committer.full).toBe(true);

    world.store.batches[0]?.answer({ kind: 'committed', lost: new Set() });
    await world.clock.settle();
    expect(world.committer.full).toBe(false);
  });
});
