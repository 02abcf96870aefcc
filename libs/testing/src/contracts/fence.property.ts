import fc from 'fast-check';
import { type Message, partitionOf } from '@troupe/protocol';
import { type StoreHarness, newGroup, uniqueId } from './database.harness';
import { type Accepted, FencedPod } from './fence.pods';

/** Rooms in the partitions that are taken first, so that few leases make many encounters. */
const PARTITIONS_USED = 4;

type Op =
  | { op: 'acquire'; pod: number; max: number }
  | { op: 'renew' | 'lose' | 'release'; pod: number }
  | { op: 'commit'; pod: number; rooms: number[]; count: number; fresh: boolean };

/** How every plan begins: otherwise many would be about pods that own nothing. */
const TAKE_ALL: Op = { op: 'acquire', pod: 0, max: PARTITIONS_USED };

const pod = fc.nat(1);
const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ op: fc.constant('acquire' as const), pod, max: fc.integer({ min: 1, max: 4 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constantFrom('renew' as const, 'lose' as const, 'lose' as const, 'release' as const),
      pod,
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      op: fc.constant('commit' as const),
      pod,
      rooms: fc.uniqueArray(fc.nat(PARTITIONS_USED - 1), { minLength: 1, maxLength: PARTITIONS_USED }),
      count: fc.integer({ min: 1, max: 3 }),
      fresh: fc.boolean(),
    }),
  },
);

/**
 * The fence, whatever two pods do: what the store accepted is exactly what is there, seqs are dense, and in each
 * partition epochs rise with the seqs and belong to one pod each. With `width` 1, calls come one after the other and
 * each answer is also compared with a model; above it, that many are under way at once.
 */
export function fenceProperty(
  name: string,
  open: () => Promise<StoreHarness>,
  options: { runs: number; width: number },
): void {
  describe(`the fence: ${name}`, () => {
    let harness: StoreHarness;
    beforeAll(async () => {
      harness = await open();
    }, 60_000);
    afterAll(() => harness.close());

    it(`holds for every interleaving of two pods, ${options.width} calls at a time`, async () => {
      const steps = fc.array(fc.array(op, { minLength: 1, maxLength: options.width }), {
        minLength: 5,
        maxLength: 30,
      });
      await fc.assert(
        fc.asyncProperty(steps, (plan) => runPlan(harness, [[TAKE_ALL], ...plan])),
        { numRuns: options.runs, interruptAfterTimeLimit: 60_000, markInterruptAsFailure: false },
      );
    }, 90_000);
  });
}

async function runPlan(harness: StoreHarness, plan: readonly Op[][]): Promise<void> {
  const rooms = await roomsPerPartition(harness);
  const accepted: Accepted[] = [];
  const pods = [0, 1].map(() => new FencedPod(uniqueId('pod'), harness, rooms, accepted));
  const model = new Model();
  try {
    for (const step of plan) {
      const exact = step.length === 1;
      await Promise.all(step.map((one) => runOp(one, pods[one.pod]!, rooms, exact ? model : null)));
      // What came of calls at once is any of their orders: the model starts afresh from what the store says.
      if (!exact)
        for (const p of pods) model.reset(p.name, await harness.leases.renew(p.name, { ttlMs: 60_000 }));
    }
    await compareWithHistory(harness, rooms, accepted);
  } finally {
    for (const p of pods) await p.lose();
  }
}

async function runOp(
  one: Op,
  target: FencedPod,
  rooms: readonly string[],
  model: Model | null,
): Promise<void> {
  switch (one.op) {
    case 'acquire': {
      const leases = await target.acquire(one.max);
      expect(leases.length).toBeLessThanOrEqual(one.max);
      if (model) expect(leases).toHaveLength(one.max);
      return model?.took(target.name, leases);
    }
    case 'renew': {
      const owned = await target.renew();
      return model?.expectOwned(target.name, owned);
    }
    case 'lose':
      await target.lose();
      return model?.gave(target.name);
    case 'release': {
      const believed = new Map(target.epochs);
      await target.release();
      return model?.gave(target.name, believed);
    }
    case 'commit': {
      const touched = one.rooms.map((i) => rooms[i]!);
      const { outcome, rows, epochs } = await target.commit(touched, one.count, one.fresh);
      // A pod that loads heads after it acquires never finds its seqs taken. A batch from before it did may.
      if (one.fresh) expect(outcome.kind).toBe('committed');
      if (model && outcome.kind === 'committed') {
        const partitions = new Set(rows.map((row) => row.partition));
        const unowned = [...partitions].filter((p) => !model.holds(target.name, p, epochs.get(p)));
        expect(outcome.lost).toEqual(new Set(unowned));
      }
      return;
    }
  }
}

/** Who owns what, as it should be. */
class Model {
  private readonly owners = new Map<number, { pod: string; epoch: number }>();
  private readonly epochs = new Map<number, number>();

  took(pod: string, leases: readonly { partition: number; epoch: number }[]): void {
    for (const { partition, epoch } of leases) {
      expect(this.owners.get(partition)).toBeUndefined();
      expect(epoch).toBeGreaterThan(this.epochs.get(partition) ?? 0);
      this.owners.set(partition, { pod, epoch });
      this.epochs.set(partition, epoch);
    }
  }

  gave(pod: string, leases?: ReadonlyMap<number, number>): void {
    for (const [partition, owner] of this.owners) {
      const meant = !leases || leases.get(partition) === owner.epoch;
      if (owner.pod === pod && meant) this.owners.delete(partition);
    }
  }

  reset(pod: string, leases: readonly { partition: number; epoch: number }[]): void {
    this.gave(pod);
    for (const { partition, epoch } of leases) {
      this.owners.set(partition, { pod, epoch });
      this.epochs.set(partition, Math.max(epoch, this.epochs.get(partition) ?? 0));
    }
  }

  holds(pod: string, partition: number, epoch: number | undefined): boolean {
    const owner = this.owners.get(partition);
    return owner !== undefined && owner.pod === pod && owner.epoch === epoch;
  }

  expectOwned(pod: string, leases: readonly { partition: number; epoch: number }[]): void {
    const expected = [...this.owners].filter(([, owner]) => owner.pod === pod);
    expect(new Map(leases.map((l) => [l.partition, l.epoch]))).toEqual(
      new Map(expected.map(([partition, { epoch }]) => [partition, epoch])),
    );
  }
}

async function compareWithHistory(
  harness: StoreHarness,
  rooms: readonly string[],
  accepted: readonly Accepted[],
): Promise<void> {
  for (const room of rooms) {
    const stored: Pick<Message, 'seq' | 'id'>[] = [];
    for (let more = true; more;) {
      const page = await harness.rooms.history(room, { after: stored.at(-1)?.seq ?? 0, limit: 200 });
      stored.push(...page.messages);
      more = page.more;
    }
    expect(stored.map((m) => m.seq)).toEqual(stored.map((_, i) => i + 1));
    const own = accepted.filter((row) => row.room === room).sort((a, b) => a.seq - b.seq);
    expect(own.map((row) => row.id)).toEqual(stored.map((m) => m.id));
    for (const [i, row] of own.entries()) {
      const before = own[i - 1];
      if (!before) continue;
      expect(row.epoch).toBeGreaterThanOrEqual(before.epoch);
      if (row.epoch === before.epoch) expect(row.pod).toBe(before.pod);
    }
  }
}

async function roomsPerPartition(harness: StoreHarness): Promise<string[]> {
  const rooms: string[] = [];
  for (let partition = 0; partition < PARTITIONS_USED; partition++) {
    let room = newGroup();
    while (partitionOf(room.room) !== partition) room = newGroup();
    await harness.createRoom(room);
    rooms.push(room.room);
  }
  return rooms;
}
