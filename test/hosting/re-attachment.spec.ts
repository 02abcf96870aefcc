import { partitionOf } from '@troupe/protocol';
import { HostHarness, LEASE_TTL_MS } from './host.harness';

describe('sessions that are attached again after a take-over', () => {
  it('cost a comparison of heads in one query, and a load only where they have missed something', async () => {
    const harness = new HostHarness();
    const count = (operation: string): number => harness.operations.filter((o) => o === operation).length;
    const rooms = Array.from({ length: 20 }, (_, i) => `room-${i}`);
    for (const room of rooms) harness.room(room);
    const first = await harness.owner();
    const edge = harness.edge();
    for (const room of rooms) edge.attach(room, 0);
    for (const room of rooms) edge.publish(room, 'one');
    await harness.clock.run(100);
    first.kill();
    // One of them has a message that its dead owner stored, and told nobody of.
    harness.database.log('room-7').add({
      room: 'room-7',
      partition: partitionOf('room-7'),
      seq: 2,
      id: harness.uuid(),
      from: 'alice',
      clientId: null,
      text: 'two',
      data: null,
      at: harness.clock.wallTime(),
      epoch: 1,
    });
    harness.operations.length = 0;

    harness.pod('pod-b');
    await harness.clock.run(LEASE_TTL_MS + 2_000);

    expect(count('heads')).toBe(1);
    expect(count('load')).toBe(1);
    expect(edge.seqs('room-7')).toEqual([1, 2]);
    expect(new Set(edge.controlsOf('attached').map(({ room }) => room)).size).toBe(20);
    const again = edge.publish('room-3', 'two');
    await harness.clock.run(100);
    expect(again).toMatchObject([{ seq: 2 }]);
    expect(edge.seqs('room-3')).toEqual([1, 2]);
    expect(harness.errors).toEqual([]);
  });
});
