import { HostHarness, LEASE_TTL_MS } from './host.harness';

describe('a pod that was frozen past its lease', () => {
  it('acks nothing of a room that is not durable before it has looked at its lease', async () => {
    const harness = new HostHarness();
    harness.room('ticker', { durable: false });
    const pod = await harness.owner();
    const edge = harness.edge();
    edge.publish('ticker', 'one', { service: true });
    await harness.clock.run(50);

    pod.clock.pause();
    await harness.clock.run(LEASE_TTL_MS);
    // It wakes to a command that has come for it, before any of its timers.
    const answer = edge.publish('ticker', 'two', { service: true });
    await harness.clock.settle();
    pod.clock.resume();
    await harness.clock.run(2_000);

    // The seqs that were reserved under the old lease may be another owner's past by now.
    expect(answer).toMatchObject([{ seq: 11 }]);
    expect(harness.errors).toEqual([]);
  });
});
