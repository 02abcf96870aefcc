import type { Lease, LeaseStore } from '@troupe/ports';
import { SimClock } from '@troupe/testing';
import { LeaseKeeper } from './lease-keeper';

/*
 * A pod that has three partitions, with a store that answers at once, or never when it is told to.
 */

const TTL_MS = 3_000;

class Store implements LeaseStore {
  hangs = false;
  epoch = 5;
  rounds = 0;
  readonly released: (number[] | 'all')[] = [];
  private owned: Lease[] = [];
  acquire(): Promise<Lease[]> {
    this.owned = [1, 2, 3].map((partition) => ({ partition, epoch: this.epoch }));
    return Promise.resolve(this.owned);
  }
  renew(): Promise<Lease[]> {
    return this.hangs ? new Promise(() => undefined) : Promise.resolve(this.owned);
  }
  release(_pod: string, leases?: readonly Lease[]): Promise<void> {
    this.released.push(leases?.map((l) => l.partition) ?? 'all');
    return Promise.resolve();
  }
  census(): Promise<{ pods: number; owned: number }> {
    this.rounds++;
    return Promise.resolve({ pods: 1, owned: this.owned.length });
  }
}

class World {
  readonly clock = new SimClock();
  readonly store = new Store();
  readonly gained: Lease[] = [];
  readonly lost: number[][] = [];
  readonly released: number[][] = [];
  finish: (partitions: number[]) => void = () => undefined;
  readonly keeper = new LeaseKeeper(
    'pod',
    this.store,
    this.clock,
    { ttlMs: TTL_MS, renewMs: 1_000, pollMs: 60_000 },
    {
      gained: (leases) => void this.gained.push(...leases),
      lost: (partitions) => void this.lost.push(partitions),
      handOver: (_leaving, finished) => void (this.finish = finished),
      released: (partitions) => void this.released.push(partitions),
      failed: (error) => {
        throw error;
      },
    },
  );
}

async function owner(): Promise<World> {
  const world = new World();
  world.keeper.start();
  await world.clock.run(0);
  expect(world.keeper.owned).toBe(3);
  return world;
}

describe('a lease keeper', () => {
  it('keeps a partition that was lost under an earlier epoch than the one that is held', async () => {
    const { keeper, lost } = await owner();
    keeper.fenced(2, 4);
    expect([keeper.owned, lost]).toEqual([3, []]);
    keeper.fenced(2, 5);
    expect([keeper.owned, lost]).toEqual([2, [[2]]]);
  });

  it('gives each partition back as soon as it is through, when it stops', async () => {
    const world = await owner();
    const stopping = world.keeper.stop();
    await world.clock.settle();
    world.finish([1, 3]);
    await world.clock.settle();
    expect([world.store.released, world.released]).toEqual([[[1, 3]], [[1, 3]]]);

    world.finish([2]);
    await stopping;
    expect([world.store.released, world.released]).toEqual([
      [[1, 3], 'all'],
      [[1, 3], [2]],
    ]);
  });

  it('loses what it holds when its lease ends while it stops', async () => {
    const world = await owner();
    world.store.hangs = true;
    await world.clock.run(1_000);
    void world.keeper.stop();
    await world.clock.run(TTL_MS);
    expect(world.lost).toEqual([[1, 2, 3]]);
  });

  it('looks again when it is told that partitions are free while it is looking', async () => {
    const { keeper, store, clock } = await owner();
    const before = store.rounds;
    keeper.hint();
    keeper.hint();
    keeper.hint();
    await clock.settle();
    expect(store.rounds - before).toBe(2);
  });

  it('takes nothing from an answer that is older than a lease', async () => {
    const { keeper, store, clock, gained } = new World();
    let answer: (leases: Lease[]) => void = () => undefined;
    jest.spyOn(store, 'acquire').mockReturnValueOnce(new Promise((resolve) => (answer = resolve)));
    keeper.start();
    await clock.run(TTL_MS);
    answer([{ partition: 9, epoch: 4 }]);
    await clock.settle();
    expect(store.released).toEqual([[9]]);
    expect(gained.map((lease) => lease.partition)).toEqual([1, 2, 3]);
  });

  it('does not believe a renewal that is answered after the lease that it would renew', async () => {
    const { keeper, store, clock, lost, gained } = await owner();
    let answer: (leases: Lease[]) => void = () => undefined;
    jest.spyOn(store, 'renew').mockReturnValueOnce(new Promise((resolve) => (answer = resolve)));
    await clock.run(1_000 + TTL_MS);
    expect(lost).toEqual([[1, 2, 3]]);
    gained.length = 0;
    store.epoch = 6;
    answer([{ partition: 1, epoch: 5 }]);
    await clock.settle();
    // It looks again, and what it then has is new.
    expect([keeper.owned, new Set(gained.map((lease) => lease.epoch))]).toEqual([3, new Set([6])]);
  });

  it('takes anew what the store says is its own although it had let go of it', async () => {
    const { keeper, store, clock, lost } = await owner();
    keeper.setEligible(false);
    expect(lost).toEqual([[1, 2, 3]]);
    store.epoch = 6;
    keeper.setEligible(true);
    await clock.settle();
    expect([keeper.owned, store.released]).toEqual([3, [[1, 2, 3]]]);
    keeper.fenced(1, 5);
    expect(keeper.owned).toBe(3);
  });

  it('knows that its lease is over before any of its timers has said so', async () => {
    const { keeper, lost, clock } = await owner();
    keeper.checkExpiry();
    expect(lost).toEqual([]);
    // As after a pause of the process: time has passed, and nothing has run.
    jest.spyOn(clock, 'nowMs').mockReturnValue(TTL_MS);
    keeper.checkExpiry();
    expect(lost).toEqual([[1, 2, 3]]);
  });
});
