import {
  accountStoreContract,
  createDatabase,
  fenceProperty,
  harnessOver,
  leaseStoreContract,
  roomDirectoryContract,
  roomStoreContract,
} from '@troupe/testing';
import type { Database } from './database';
import { openPostgres } from './open-postgres';

let db: Promise<Database> | undefined;
const open = async (): Promise<Database> => {
  db ??= (async () => {
    const url = await createDatabase(process.env['TEST_DATABASE_URL']!);
    const opened = await openPostgres({ url, poolMax: 8, timeoutMs: 10_000 });
    await opened.migrate();
    return opened;
  })();
  return db;
};
const harness = async () => harnessOver(await open());

afterAll(async () => (await db)?.close());

roomStoreContract('postgres', harness, { users: true });
leaseStoreContract('postgres', harness);
roomDirectoryContract('postgres', harness);
accountStoreContract('postgres', async () => {
  const { accounts, seed } = await open();
  return {
    accounts,
    createService: (service) => seed({ users: [], services: [service], rooms: [] }),
    close: async () => undefined,
  };
});
fenceProperty('postgres', harness, { runs: 100, width: 1 });
fenceProperty('postgres', harness, { runs: 150, width: 4 });
