import { StoreUnavailable } from '@troupe/ports';
import { partitionOf } from '@troupe/protocol';
import { type TestServer, startPostgres, untilSucceeds } from '@troupe/testing';
import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import type { Database } from './database';
import { openPostgres } from './open-postgres';

const TIMEOUT_MS = 1_000;
/** A call's own bound, twice the timeout, and time for a busy machine. */
const CALL_MS_MAX = 5_000;

/** A Postgres of its own, which is stopped, killed, suspended and locked. */
describe('a database that goes away', () => {
  const ROOM = 'outage';
  let server: TestServer;
  let db: Database;
  let seq = 0;

  beforeAll(async () => {
    server = await startPostgres();
    db = await openPostgres({ url: server.url, poolMax: 2, timeoutMs: TIMEOUT_MS });
    await db.migrate();
    await db.directory.create({
      room: ROOM,
      kind: 'group',
      title: null,
      open: true,
      durable: true,
      onOverflow: 'drop-oldest',
      members: [],
    });
  }, 60_000);
  afterAll(async () => {
    await db.close();
    await server.stop();
  });

  async function commit() {
    const [lease] = await db.leases.renew('pod', { ttlMs: 3_600_000 });
    if (!lease) await db.leases.acquire('pod', { max: 256, ttlMs: 3_600_000 });
    const epochs = new Map(
      (await db.leases.renew('pod', { ttlMs: 3_600_000 })).map((l) => [l.partition, l.epoch]),
    );
    const row = {
      room: ROOM,
      partition: partitionOf(ROOM),
      seq: ++seq,
      id: randomUUID(),
      from: 'alice',
      clientId: `c${seq}`,
      text: 'x',
      data: null,
      at: new Date().toISOString(),
    };
    return db.rooms.commit([row], { pod: 'pod', epochs });
  }
  const works = async () => {
    expect(await commit()).toEqual({ kind: 'committed', lost: new Set() });
    expect(await db.rooms.heads([ROOM])).toEqual(new Map([[ROOM, seq]]));
  };
  const isUp = (up: boolean) =>
    untilSucceeds(`up() to be ${up}`, { deadlineMs: CALL_MS_MAX }, () => {
      if (db.up() !== up) throw new Error(`it is ${!up}`);
    });
  async function refusesQuickly(): Promise<void> {
    const startMs = performance.now();
    const calls = [
      db.rooms.history(ROOM, { limit: 1 }),
      db.rooms.load([ROOM]),
      db.rooms.heads([ROOM]),
      db.leases.renew('pod', { ttlMs: 1_000 }),
      db.accounts.user('alice'),
      db.directory.headsOf('alice'),
    ];
    for (const result of await Promise.allSettled(calls)) {
      if (result.status === 'fulfilled') throw new Error('answered');
      expect(result.reason).toBeInstanceOf(StoreUnavailable);
      // Whoever shows or logs the error shows no address.
      expect(JSON.stringify(Object.getOwnPropertyDescriptors(result.reason))).not.toMatch(
        new RegExp(`127\\.0\\.0\\.1|localhost|"[^"]*:${server.port}`),
      );
    }
    expect(performance.now() - startMs).toBeLessThan(CALL_MS_MAX);
    await isUp(false);
  }

  it('is up once it has answered', async () => {
    await works();
    await isUp(true);
  });

  it('rejects calls as unavailable while it is dead, and works by itself when it is back', async () => {
    await server.kill('SIGKILL');
    // Nobody has asked yet: its idle connections have told.
    await isUp(false);
    await refusesQuickly();
    await server.restart();
    await isUp(true);
    await works();
  }, 60_000);

  it('works by itself after an orderly restart', async () => {
    await works();
    await server.restart();
    await untilSucceeds('a commit', { deadlineMs: CALL_MS_MAX }, works);
    await isUp(true);
  }, 60_000);

  it('rejects calls within their time while it is suspended', async () => {
    await server.kill('SIGSTOP');
    await refusesQuickly();
    await server.kill('SIGCONT');
    await isUp(true);
    await works();
  }, 60_000);

  describe('in part, because a table is locked', () => {
    let locker: Client;
    let watch: Client;

    beforeEach(async () => {
      await works();
      [locker, watch] = [
        new Client({ connectionString: server.url }),
        new Client({ connectionString: server.url }),
      ];
      await Promise.all([locker.connect(), watch.connect()]);
      await locker.query('BEGIN');
      await locker.query('LOCK TABLE messages IN ACCESS EXCLUSIVE MODE');
    });
    afterEach(() => Promise.all([locker.end(), watch.end()]));

    const waiting = (count: number) =>
      untilSucceeds(`${count} statements to wait`, { deadlineMs: CALL_MS_MAX }, async () => {
        const { rows } = await watch.query<{ pid: number }>(
          "SELECT pid FROM pg_stat_activity WHERE application_name = 'troupe' AND wait_event_type = 'Lock'",
        );
        if (rows.length !== count) throw new Error(`${rows.length} do`);
        return rows.map((row) => row.pid);
      });

    it('says that a commit is unavailable when its connection is cut', async () => {
      const cut = commit().catch((e: unknown) => e);
      await watch.query('SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) pid', [await waiting(1)]);
      expect(await cut).toBeInstanceOf(StoreUnavailable);
      await locker.query('ROLLBACK');
      seq--;
      await works();
    }, 20_000);

    it('says that a commit is unavailable when it takes too long', async () => {
      const startMs = performance.now();
      await expect(commit()).rejects.toThrow(StoreUnavailable);
      expect(performance.now() - startMs).toBeLessThan(CALL_MS_MAX);
      await locker.query('ROLLBACK');
      seq--;
      await works();
    }, 20_000);

    it('renews leases while reads are stuck on every other connection', async () => {
      const stuck = Promise.allSettled(Array.from({ length: 4 }, () => db.rooms.history(ROOM, { limit: 1 })));
      await waiting(2);
      expect(await db.leases.renew('pod', { ttlMs: 3_600_000 })).toHaveLength(256);
      expect(await db.leases.census()).toEqual({ pods: 1, owned: 256 });
      for (const result of await stuck) {
        expect(result).toMatchObject({ status: 'rejected', reason: expect.any(StoreUnavailable) });
      }
      await locker.query('ROLLBACK');
      await works();
    }, 20_000);
  });

  it('does not let calls queue up without end', async () => {
    await server.kill('SIGSTOP');
    const calls = Array.from({ length: 1_500 }, () => db.rooms.heads([ROOM]));
    const startMs = performance.now();
    const first = await Promise.race(calls.map((call) => call.catch((e: unknown) => e)));
    expect(first).toBeInstanceOf(StoreUnavailable);
    expect(performance.now() - startMs).toBeLessThan(TIMEOUT_MS);
    await Promise.allSettled(calls);
    await server.kill('SIGCONT');
    await isUp(true);
    await works();
  }, 60_000);
});
