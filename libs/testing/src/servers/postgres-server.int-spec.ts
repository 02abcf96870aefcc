import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { createDatabase, startPostgres } from './postgres-server';
import { processTree } from './process-tree';
import type { TestServer } from './test-server';
import { withinMs } from './until';
import { untilGone } from './until-gone';

jest.setTimeout(90_000);

async function ask(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  const failures: Error[] = [];
  client.on('error', (error) => failures.push(error));
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows.map((row) => Object.values(row)[0]);
  } finally {
    await client.end();
  }
}

describe('startPostgres', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startPostgres({ settings: { max_connections: '17' } });
  });
  afterAll(() => server.stop());

  it('gives a server that flushes to disk unless told otherwise, with the settings asked for', async () => {
    expect(await ask(server.url, 'show fsync')).toEqual(['on']);
    expect(await ask(server.url, 'show max_connections')).toEqual(['17']);
    const quick = await startPostgres({ fsync: false });
    expect(await ask(quick.url, 'show fsync')).toEqual(['off']);
    expect(await ask(quick.url, 'show synchronous_commit')).toEqual(['on']);
    await quick.stop();
  });

  it('runs as a user that is not root, whoever runs the tests', () => {
    // Postgres starts only as the owner of its data.
    expect(statSync(join(server.dir, 'data')).uid).not.toBe(0);
  });

  it('makes databases that know nothing of each other, at the same time', async () => {
    const urls = await Promise.all([createDatabase(server.url), createDatabase(server.url)]);
    expect(new Set(urls).size).toBe(2);
    for (const url of urls) {
      await ask(url, 'create table only_here (id int)');
      expect(await ask(url, "select encoding::int = pg_char_to_encoding('UTF8') from pg_database")).toContain(
        true,
      );
    }
  });

  it('keeps committed data over a restart and over SIGKILL, on the same URL', async () => {
    const { url } = server;
    await ask(url, 'create table kept (what text)');
    await ask(url, "insert into kept values ('restart')");
    await server.restart();
    await ask(url, "insert into kept values ('SIGKILL')");
    const { pid } = server;
    await server.kill('SIGKILL');
    await untilGone(pid);
    await server.restart();
    expect(server.url).toBe(url);
    expect(await ask(url, 'select what from kept order by what')).toEqual(['SIGKILL', 'restart']);
  });

  it('answers nobody while suspended, connections that were open included, and goes on afterwards', async () => {
    const client = new Client({ connectionString: server.url });
    await client.connect();
    await server.kill('SIGSTOP');
    const answer = client.query<{ one: number }>('select 1 as one');
    expect(await withinMs(answer, 300)).toBeNull();
    await server.kill('SIGCONT');
    expect((await answer).rows).toEqual([{ one: 1 }]);
    await client.end();
  });

  it('leaves neither process nor directory after stop', async () => {
    const gone = await startPostgres({ fsync: false });
    const pids = processTree(gone.pid);
    expect(pids.length).toBeGreaterThan(1);
    await gone.stop();
    for (const pid of pids) await untilGone(pid);
    expect(existsSync(gone.dir)).toBe(false);
    expect(gone.log()).toMatch(/database system is shut down|immediate shutdown/);
  });

  it('shows its log when it does not start', async () => {
    const failure = startPostgres({ fsync: false, settings: { max_connections: 'many' } });
    await expect(failure).rejects.toThrow(
      /start of postgres on port \d+: it ended with .*\n.*max_connections/s,
    );
  });
});
