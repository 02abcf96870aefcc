import { SimClock, leaseStoreContract, roomStoreContract } from '@troupe/testing';
import type { StoreHarness } from '@troupe/testing';
import { MemoryDatabase } from './memory-database';
import { MemoryLeaseStore } from './memory-lease-store';
import { MemoryRoomStore } from './memory-room-store';

async function open(): Promise<StoreHarness> {
  const clock = new SimClock();
  const db = new MemoryDatabase({ clock });
  return {
    rooms: new MemoryRoomStore(db),
    leases: new MemoryLeaseStore(db),
    createRoom: async (room) => {
      db.createRoom(room);
    },
    createUser: async () => undefined,
    pass: (ms) => clock.run(ms),
    close: async () => undefined,
  };
}

roomStoreContract('memory', open, { users: false });
leaseStoreContract('memory', open);
