import { type CommitOutcome, StoreUnavailable } from '@troupe/ports';
import { partitionOf } from '@troupe/protocol';
import { MemoryRoomStore } from '@troupe/adapters-memory';
import { HostHarness } from './host.harness';

describe('a pod that stops while one room waits for the store', () => {
  it('gives the partitions of all others away at once', async () => {
    const harness = new HostHarness();
    harness.room('slow');
    harness.room('quick');
    const pod = await harness.owner();
    const edge = harness.edge();
    edge.publish('slow', 'one');
    await harness.clock.run(100);

    let fail = (): void => undefined;
    const hangs = new Promise<CommitOutcome>((_, reject) => {
      fail = () => reject(new StoreUnavailable('no answer'));
    });
    const commit = jest.spyOn(MemoryRoomStore.prototype, 'commit').mockReturnValueOnce(hangs);
    edge.publish('slow', 'two');
    await harness.clock.run(10);
    expect(commit).toHaveBeenCalledTimes(1);

    const stopping = pod.host.stop();
    await harness.clock.run(100);
    const owners = harness.database.partitions.filter(({ owner }) => owner === 'pod-a');
    expect(owners).toHaveLength(1);
    expect(harness.database.partitions[partitionOf('slow')]?.owner).toBe('pod-a');

    fail();
    await harness.clock.run(100);
    await stopping;
    expect(harness.database.partitions.filter(({ owner }) => owner === 'pod-a')).toEqual([]);
    commit.mockRestore();
  });
});
