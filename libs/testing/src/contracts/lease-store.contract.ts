import type { Lease, LeaseStore } from '@troupe/ports';
import { PARTITIONS } from '@troupe/protocol';
import { LONG_TTL_MS, type StoreHarness, eventually, uniqueId } from './database.harness';

/** Short enough to wait for, in ms. */
const SHORT_TTL_MS = 60;

const partitionsOf = (leases: readonly Lease[]): number[] =>
  leases.map((l) => l.partition).sort((a, b) => a - b);
const byPartition = (a: Lease, b: Lease): number => a.partition - b.partition;

/**
 * What every {@link LeaseStore} does. `open` gives a store in which every partition is free and which nobody else uses;
 * one for the whole suite.
 */
export function leaseStoreContract(name: string, open: () => Promise<StoreHarness>): void {
  describe(`lease store: ${name}`, () => {
    let harness: StoreHarness;
    let leases: LeaseStore;
    const pods: string[] = [];

    const pod = (): string => {
      const id = uniqueId('pod');
      pods.push(id);
      return id;
    };
    const acquire = (id: string, max: number, ttlMs = LONG_TTL_MS) => leases.acquire(id, { max, ttlMs });
    const renew = (id: string, ttlMs = LONG_TTL_MS) => leases.renew(id, { ttlMs });

    beforeAll(async () => {
      harness = await open();
      leases = harness.leases;
    }, 60_000);
    afterEach(async () => {
      for (const id of pods.splice(0)) await leases.release(id);
    });
    afterAll(() => harness.close());

    /** Has `other` ask for everything until it gets something. */
    const takenOver = (other: string) =>
      eventually(harness, 'an expired lease', async () => {
        const taken = await acquire(other, PARTITIONS);
        return taken.length > 0 ? taken : null;
      });

    it('gives as many partitions as asked for, and no more', async () => {
      const a = pod();
      const first = await acquire(a, 10);
      expect(new Set(partitionsOf(first)).size).toBe(10);
      expect(await acquire(a, 0)).toEqual([]);
      expect(partitionsOf(await renew(a))).toEqual(partitionsOf(first));
    });

    it('gives every partition once, from 0 to 255, and then none', async () => {
      const a = pod();
      expect(partitionsOf(await acquire(a, 1_000))).toEqual(Array.from({ length: PARTITIONS }, (_, i) => i));
      expect(await acquire(a, 1_000)).toEqual([]);
      expect(await acquire(pod(), 1_000)).toEqual([]);
    });

    it('never gives one partition to two pods that ask at once', async () => {
      const many = Array.from({ length: 8 }, pod);
      const taken = await Promise.all(many.flatMap((id) => [acquire(id, 20), acquire(id, 20)]));
      const all = taken.flat().map((l) => l.partition);
      expect(all).toHaveLength(PARTITIONS);
      expect(new Set(all).size).toBe(PARTITIONS);
    });

    it('raises the epoch each time a partition is taken, and never lowers it', async () => {
      const last = new Map<number, number>();
      for (let i = 0; i < 5; i++) {
        const id = pod();
        for (const { partition, epoch } of await acquire(id, PARTITIONS)) {
          expect(epoch).toBeGreaterThan(last.get(partition) ?? 0);
          last.set(partition, epoch);
        }
        expect(last.size).toBe(PARTITIONS);
        await (i % 2 === 0 ? leases.release(id) : leases.release(id, await renew(id)));
      }
    });

    it('keeps epochs while renewing', async () => {
      const a = pod();
      const taken = await acquire(a, 5);
      for (let i = 0; i < 3; i++) expect((await renew(a)).sort(byPartition)).toEqual(taken.sort(byPartition));
    });

    it('lets another pod take what has expired, under a higher epoch, and tells the first at its next renewal', async () => {
      const [a, b] = [pod(), pod()];
      const first = await acquire(a, 1, SHORT_TTL_MS);
      await acquire(pod(), PARTITIONS);
      const second = await takenOver(b);
      expect(partitionsOf(second)).toEqual(partitionsOf(first));
      expect(second[0]!.epoch).toBeGreaterThan(first[0]!.epoch);
      expect(await renew(a)).toEqual([]);
      expect(await renew(b)).toEqual(second);
    });

    it('keeps a renewed lease when another of the same age expires', async () => {
      const [a, b, c] = [pod(), pod(), pod()];
      const renewed = await acquire(a, 3, SHORT_TTL_MS);
      const left = await acquire(b, 3, SHORT_TTL_MS);
      await renew(a, LONG_TTL_MS);
      await acquire(pod(), PARTITIONS);
      const taken: Lease[] = [];
      await eventually(harness, 'all three to expire', async () => {
        taken.push(...(await acquire(c, PARTITIONS)));
        return taken.length >= 3 ? true : null;
      });
      expect(partitionsOf(taken)).toEqual(partitionsOf(left));
      expect(partitionsOf(await renew(a))).toEqual(partitionsOf(renewed));
    });

    it('lets a pod have an expired lease back only under a higher epoch', async () => {
      const a = pod();
      const [first] = await acquire(a, 1, SHORT_TTL_MS);
      await acquire(pod(), PARTITIONS);
      const [again] = await takenOver(a);
      expect(again!.partition).toBe(first!.partition);
      expect(again!.epoch).toBeGreaterThan(first!.epoch);
    });

    it('frees what is given back at once', async () => {
      const [a, b] = [pod(), pod()];
      const taken = await acquire(a, PARTITIONS);
      const back = taken.slice(0, 7);
      await leases.release(a, back);
      expect(partitionsOf(await acquire(b, PARTITIONS))).toEqual(partitionsOf(back));
      expect(partitionsOf(await renew(a))).toEqual(partitionsOf(taken.slice(7)));
    });

    it('ignores what is given back under an epoch that is over, or by another pod', async () => {
      const [a, b] = [pod(), pod()];
      const old = await acquire(a, 4);
      await leases.release(a, old);
      const taken = await acquire(b, PARTITIONS);
      await leases.release(a, old);
      await leases.release(a, taken);
      await leases.release(b, old);
      await leases.release(b, []);
      expect(partitionsOf(await renew(b))).toEqual(partitionsOf(taken));
      expect(await acquire(a, PARTITIONS)).toEqual([]);
    });

    it('frees everything of a pod that goes, and nothing of others', async () => {
      const [a, b] = [pod(), pod()];
      await acquire(a, 9);
      const stays = await acquire(b, 9);
      await renew(a);
      await leases.release(a);
      expect(await renew(a)).toEqual([]);
      expect(partitionsOf(await renew(b))).toEqual(partitionsOf(stays));
      expect(await acquire(b, PARTITIONS)).toHaveLength(PARTITIONS - 9);
    });

    it('counts pods from their first renewal to their end, and partitions with a living owner', async () => {
      const [a, b] = [pod(), pod()];
      expect(await leases.census()).toEqual({ pods: 0, owned: 0 });
      await renew(a);
      expect(await leases.census()).toEqual({ pods: 1, owned: 0 });
      await acquire(a, 3);
      await renew(b);
      await acquire(b, 2);
      expect(await leases.census()).toEqual({ pods: 2, owned: 5 });
      await leases.release(a);
      expect(await leases.census()).toEqual({ pods: 1, owned: 2 });
    });

    it('counts a pod that stops renewing, and its partitions, out after the ttl', async () => {
      const [a, b] = [pod(), pod()];
      await acquire(a, 3, SHORT_TTL_MS);
      await acquire(b, 2);
      await renew(b);
      await renew(a, SHORT_TTL_MS);
      await eventually(harness, 'the silent pod to be counted out', async () => {
        const { pods: alive, owned } = await leases.census();
        return alive === 1 && owned === 2 ? true : null;
      });
    });
  });
}
