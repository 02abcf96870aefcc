import type { AccountStore, LeaseStore, RoomDirectory, RoomStore } from '@troupe/ports';
import { type DemoData, seed } from './demo/seed';
import { migrate } from './sql/migrate';
import type { Sql } from './sql/sql';
import { statement } from './sql/sql-files';
import { PostgresAccountStore } from './stores/postgres-account-store';
import { PostgresLeaseStore } from './stores/postgres-lease-store';
import { PostgresRoomDirectory } from './stores/postgres-room-directory';
import { PostgresRoomStore } from './stores/postgres-room-store';

const FREE_LEASES = statement('free-leases');

/** Everything durable, behind its ports: one Postgres, or one PGlite in this process. */
export interface Database {
  readonly rooms: RoomStore;
  readonly leases: LeaseStore;
  readonly accounts: AccountStore;
  readonly directory: RoomDirectory;
  /** Brings the schema up to date. Rejects with `SchemaMismatch` when it is newer than this program. */
  migrate(): Promise<void>;
  /** Writes demo rows, as far as they are not there. */
  seed(data: DemoData): Promise<void>;
  /**
   * Takes every lease from its owner. Only for a database that this process alone can have open: whoever owned a
   * partition there is gone.
   */
  freeLeases(): Promise<void>;
  /** Tells whether the database answers. */
  up(): boolean;
  /** Lets statements under way finish and disconnects. Idempotent. */
  close(): Promise<void>;
}

/**
 * Puts the stores over two paths to one database. Leases have their own: a renewal that waits behind a slow commit or
 * a long read would lose the pod its rooms.
 */
export function databaseOver(
  paths: { work: Sql; leases: Sql },
  life: { up: () => boolean; close: () => Promise<void> },
): Database {
  const { work } = paths;
  const accounts = new PostgresAccountStore(work);
  return {
    rooms: new PostgresRoomStore(work),
    leases: new PostgresLeaseStore(paths.leases),
    accounts,
    directory: new PostgresRoomDirectory(work),
    migrate: () => migrate(work),
    freeLeases: async () => void (await work.query(FREE_LEASES)),
    seed: (data) => seed(work, accounts, data),
    ...life,
  };
}
