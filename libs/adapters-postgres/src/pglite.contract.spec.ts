import {
  accountStoreContract,
  fenceProperty,
  harnessOver,
  leaseStoreContract,
  roomDirectoryContract,
  roomStoreContract,
} from '@troupe/testing';
import type { Database } from './database';
import { IN_MEMORY, openPglite } from './open-pglite';

// One for the file: opening takes a second or two.
let db: Promise<Database> | undefined;
const open = async (): Promise<Database> => {
  db ??= openPglite({ dataDir: IN_MEMORY }).then(async (opened) => {
    await opened.migrate();
    return opened;
  });
  return db;
};
const harness = async () => harnessOver(await open());

afterAll(async () => (await db)?.close());

roomStoreContract('pglite', harness, { users: true });
leaseStoreContract('pglite', harness);
roomDirectoryContract('pglite', harness);
accountStoreContract('pglite', async () => {
  const { accounts, seed } = await open();
  return {
    accounts,
    createService: (service) => seed({ users: [], services: [service], rooms: [] }),
    close: async () => undefined,
  };
});
fenceProperty('pglite', harness, { runs: 40, width: 1 });
