import { createDatabase } from '@troupe/testing';
import { Client } from 'pg';
import { openPostgres } from './open-postgres';

describe('migrations on a server', () => {
  it('are done once by pods that start at once', async () => {
    const url = await createDatabase(process.env['TEST_DATABASE_URL']!);
    const pods = await Promise.all(
      Array.from({ length: 5 }, () => openPostgres({ url, poolMax: 2, timeoutMs: 10_000 })),
    );
    try {
      await Promise.all(pods.map((pod) => pod.migrate()));
      expect(await pods[0]!.leases.acquire('pod', { max: 1_000, ttlMs: 1_000 })).toHaveLength(256);
    } finally {
      await Promise.all(pods.map((pod) => pod.close()));
    }
  }, 60_000);

  it('need no right to change the schema where nothing is missing', async () => {
    const url = await createDatabase(process.env['TEST_DATABASE_URL']!);
    const owner = await openPostgres({ url, poolMax: 1, timeoutMs: 10_000 });
    await owner.migrate();
    await owner.close();
    const role = `app_${new URL(url).pathname.slice(1)}`;
    const admin = new Client({ connectionString: url });
    await admin.connect();
    await admin.query(
      `CREATE ROLE ${role} LOGIN; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ${role}`,
    );
    const asApp = new URL(url);
    asApp.username = role;
    const app = await openPostgres({ url: asApp.href, poolMax: 1, timeoutMs: 10_000 });
    try {
      await app.migrate();
      expect(await app.accounts.createUser({ id: 'ann', name: 'Ann', passwordHash: '-' })).toBe(true);
      expect(await app.leases.acquire('pod', { max: 1, ttlMs: 1_000 })).toHaveLength(1);
    } finally {
      await app.close();
      await admin.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
      await admin.end();
    }
  }, 60_000);

  it('say what is wrong with a database that does not exist', async () => {
    const url = new URL(process.env['TEST_DATABASE_URL']!);
    url.pathname = '/no_such_database';
    const db = await openPostgres({ url: url.href, poolMax: 1, timeoutMs: 10_000 });
    await expect(db.migrate()).rejects.toThrow('SQLSTATE 3D000: database "no_such_database" does not exist');
    await db.close();
  });
});
