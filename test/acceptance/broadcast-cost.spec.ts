import { zeroTotals } from '@troupe/actor-core';
import { MemoryDatabase, MemoryLeaseStore, MemoryMessageBus, MemoryRoomStore } from '@troupe/adapters-memory';
import { parseSettings } from '@troupe/config';
import { subjects } from '@troupe/protocol';
import { SimClock } from '@troupe/testing';
import { GatewayHarness } from '../../apps/gateway/src/testing/gateway-harness';
import type { TestClient } from '../../apps/gateway/src/testing/test-client';
import { RoomHost } from '../../apps/room-actor/src/hosting/room-host';
import { hostSettings } from '../../apps/room-actor/src/wiring/host-settings';

/*
 * What a broadcast costs, counted: the actor's bus messages to one gateway, and that gateway's writes to its sockets.
 *
 *   publish ×M in one turn → actor → 1 bus message → gateway → 1 write for each of N sockets
 */

const ROOM = 'lobby';

describe.each([1, 10, 200])('in a room with %i sessions on one gateway', (sessions) => {
  const clock = new SimClock();
  let harness: GatewayHarness;
  let host: RoomHost;
  let clients: TestClient[];
  let busMessages = 0;

  beforeAll(async () => {
    harness = new GatewayHarness(clock);
    const database = new MemoryDatabase({ clock });
    const members = ['alice', 'bob'];
    database.createRoom({
      room: ROOM,
      kind: 'group',
      title: null,
      open: false,
      durable: true,
      onOverflow: 'drop-oldest',
      members: members.map((user) => ({ user, role: 'member' })),
    });
    harness.room(ROOM, members);
    const fail = (error: unknown): void => {
      throw error;
    };
    const bus = new MemoryMessageBus({ hub: harness.hub, clock, onHandlerError: fail });
    const totals = zeroTotals();
    host = new RoomHost(
      'pod',
      {
        bus,
        clock,
        rooms: new MemoryRoomStore(database),
        leases: new MemoryLeaseStore(database),
        metrics: {
          committed: () => undefined,
          fenced: () => undefined,
          published: () => undefined,
          takenOver: () => undefined,
          mailboxes: () => totals,
        },
        onError: fail,
      },
      hostSettings(parseSettings({})),
    );
    host.start();
    await clock.run(100);
    clients = [];
    for (let i = 0; i < sessions; i++) clients.push(await harness.open('bob'));
    harness.otherBus.subscribe(subjects.gateway(harness.edge.id), () => void busMessages++);
  });
  afterAll(async () => {
    await host.stop();
    await harness.close();
  });

  it.each([1, 10, 100])(
    '%i messages of one turn are one bus message and one write a socket',
    async (messages) => {
      // The room is awake, and the last turn is over.
      harness.edge.post({ room: ROOM, from: 'alice', text: 'wake' }, () => undefined);
      await harness.settle();
      for (const { socket } of clients) socket.writes.length = 0;
      busMessages = 0;
      const acks: number[] = [];
      for (let i = 0; i < messages; i++) {
        harness.edge.post({ room: ROOM, from: 'alice', text: `${i}` }, (result) => {
          acks.push('seq' in result ? result.seq : NaN);
        });
      }
      await harness.settle();

      const texts = Array.from({ length: messages }, (_, i) => `${i}`);
      for (const client of clients) expect(client.texts(ROOM)).toEqual(texts);
      expect(acks).toEqual(acks.map((_, i) => (acks[0] ?? NaN) + i));
      expect(acks).toHaveLength(messages);
      expect(busMessages).toBe(1);
      expect(clients.map(({ socket }) => socket.writes.length)).toEqual(Array(sessions).fill(1));
    },
  );
});
