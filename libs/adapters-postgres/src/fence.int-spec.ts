import type { Fence } from '@troupe/ports';
import { partitionOf } from '@troupe/protocol';
import { createDatabase, untilSucceeds } from '@troupe/testing';
import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import type { Database } from './database';
import { openPostgres } from './open-postgres';
import { statement } from './sql/sql-files';
import { commitColumns } from './stores/commit-columns';

/*
 * Goal: a commit and a take-over that meet in the middle of each other.
 * Method: one of the two runs in a transaction that the test holds open; the other must wait for it, pass it over, or
 * not notice, and end as if one had come entirely before the other.
 */
describe('the fence, while a transaction is held open', () => {
  const ROOM = 'held';
  const PARTITION = partitionOf(ROOM);
  const TTL_MS = 3_600_000;
  let db: Database;
  let held: Client;
  let watch: Client;
  let fence: Fence;
  let seq = 0;

  beforeAll(async () => {
    const url = await createDatabase(process.env['TEST_DATABASE_URL']!);
    db = await openPostgres({ url, poolMax: 4, timeoutMs: 10_000 });
    await db.migrate();
    [held, watch] = [new Client({ connectionString: url }), new Client({ connectionString: url })];
    await Promise.all([held.connect(), watch.connect()]);
  }, 60_000);
  afterAll(async () => {
    await Promise.all([held.end(), watch.end()]);
    await db.close();
  });

  beforeEach(async () => {
    const leases = await db.leases.acquire('owner', { max: 256, ttlMs: TTL_MS });
    fence = { pod: 'owner', epochs: new Map(leases.map((l) => [l.partition, l.epoch])) };
    await held.query('BEGIN');
  });
  afterEach(async () => {
    await held.query('ROLLBACK');
    await db.leases.release('owner');
    await db.leases.release('other');
  });

  const row = () => ({
    room: ROOM,
    partition: PARTITION,
    seq: ++seq,
    id: randomUUID(),
    from: 'alice',
    clientId: null,
    text: 'x',
    data: null,
    at: '2026-02-03T04:05:06.789Z',
  });
  const head = async (): Promise<number> =>
    (await db.rooms.history(ROOM, { limit: 1 })).messages.at(-1)?.seq ?? 0;
  const expire = () => watch.query("UPDATE partitions SET lease_until = '-infinity'");
  /** The owner's commit, as far as it gets without its end. */
  async function commitHalfway(): Promise<void> {
    const c = commitColumns([row()]);
    const columns = [c.rooms, c.partitions, c.seqs, c.ids, c.senders, c.clientKeys, c.texts, c.data, c.ats];
    const { rowCount } = await held.query(statement('commit').text, [
      ...columns,
      [PARTITION],
      [fence.epochs.get(PARTITION)],
      'owner',
    ]);
    expect(rowCount).toBe(1);
  }
  const takeOverHalfway = () => held.query(statement('acquire-leases').text, ['other', 256, TTL_MS]);
  /** Resolves when a statement waits for a lock that the held transaction has. */
  const blocked = () =>
    untilSucceeds('a statement to wait for the held transaction', { deadlineMs: 10_000 }, async () => {
      const { rowCount } = await watch.query(
        "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()",
      );
      if (!rowCount) throw new Error('nobody waits');
    });

  it('a take-over passes over a partition that is being committed to, and gets it afterwards', async () => {
    await expire();
    await commitHalfway();
    const first = await db.leases.acquire('other', { max: 256, ttlMs: TTL_MS });
    expect(first.map((l) => l.partition)).not.toContain(PARTITION);
    expect(first).toHaveLength(255);
    await held.query('COMMIT');
    const then = await db.leases.acquire('other', { max: 256, ttlMs: TTL_MS });
    expect(then.map((l) => l.partition)).toEqual([PARTITION]);
    // The new owner, who reads the head now, sees what was committed.
    expect(await head()).toBe(seq);
  });

  it('a renewal does not wait for a commit of its own pod', async () => {
    await commitHalfway();
    expect(await db.leases.renew('owner', { ttlMs: TTL_MS })).toHaveLength(256);
    await held.query('COMMIT');
    expect(await head()).toBe(seq);
  });

  it('giving back waits for a commit under way, so that nobody can own the partition before it ends', async () => {
    await commitHalfway();
    let released = false;
    const release = db.leases.release('owner').then(() => (released = true));
    await blocked();
    expect(released).toBe(false);
    expect(await db.leases.acquire('other', { max: 256, ttlMs: TTL_MS })).toEqual([]);
    await held.query('COMMIT');
    await release;
    expect(await head()).toBe(seq);
  });

  it('a commit waits for a take-over under way, and writes nothing when that is committed', async () => {
    await expire();
    await takeOverHalfway();
    const before = await head();
    const commit = db.rooms.commit([row()], fence);
    await blocked();
    await held.query('COMMIT');
    expect(await commit).toEqual({ kind: 'committed', lost: new Set([PARTITION]) });
    expect(await head()).toBe(before);
    seq = before;
  });

  it('a commit waits for a take-over under way, and goes on when that is undone', async () => {
    await expire();
    await takeOverHalfway();
    const commit = db.rooms.commit([row()], fence);
    await blocked();
    await held.query('ROLLBACK');
    expect(await commit).toEqual({ kind: 'committed', lost: new Set() });
    expect(await head()).toBe(seq);
  });

  it('a commit writes nothing after a renewal and a take-over that came while it waited', async () => {
    const before = await head();
    // The row's chain has two new versions by the time the commit gets to it: one that keeps the key, one that does not.
    await held.query(statement('renew-leases').text, ['owner', 0]);
    await held.query(statement('release-pod').text, ['owner']);
    await takeOverHalfway();
    const commit = db.rooms.commit([row()], fence);
    await blocked();
    await held.query('COMMIT');
    expect(await commit).toEqual({ kind: 'committed', lost: new Set([PARTITION]) });
    expect(await head()).toBe(before);
    seq = before;
  });

  it('a change of members and a reservation wait for a take-over too, and then do nothing', async () => {
    await expire();
    await takeOverHalfway();
    const member = { room: ROOM, partition: PARTITION, user: 'alice', role: 'member' as const };
    const changes = Promise.all([
      db.rooms.putMember(member, fence),
      db.rooms.removeMember(member, fence),
      db.rooms.reserve(ROOM, PARTITION, 10, fence),
    ]);
    await blocked();
    await held.query('COMMIT');
    expect(await changes).toEqual([false, false, null]);
  });
});
