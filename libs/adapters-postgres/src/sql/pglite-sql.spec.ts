import { PgliteSql } from './pglite-sql';

describe('PGlite', () => {
  let sql: PgliteSql;
  const insert = { name: 'insert', text: 'INSERT INTO t (x) VALUES ($1) RETURNING x' };

  beforeAll(async () => {
    sql = await PgliteSql.open(null);
    await sql.query({ name: 'create', text: 'CREATE TABLE t (x int PRIMARY KEY)' });
  }, 60_000);
  afterAll(() => sql.close());

  it('runs a statement again that failed the first time', async () => {
    await sql.query({ name: 'first', text: 'INSERT INTO t VALUES (1)' });
    await expect(sql.query(insert, [1])).rejects.toMatchObject({ sqlState: '23505', constraint: 't_pkey' });
    expect(await sql.query(insert, [2])).toEqual([{ x: 2 }]);
    await expect(sql.query(insert, [2])).rejects.toMatchObject({ sqlState: '23505' });
    expect(await sql.query(insert, [3])).toEqual([{ x: 3 }]);
  });

  it('runs statements that are asked for at once one after the other, next to one that fails', async () => {
    const results = await Promise.allSettled([4, 4, 5, 6].map((x) => sql.query(insert, [x])));
    expect(results.map((r) => r.status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
  });

  it('gives back what a failed transaction threw, and works on', async () => {
    class Own extends Error {}
    const failing = sql.transaction(async (tx) => {
      await tx.query('INSERT INTO t VALUES ($1)', [7]);
      throw new Own();
    });
    await expect(failing).rejects.toThrow(Own);
    expect(await sql.query({ name: 'count', text: 'SELECT count(*) AS n FROM t WHERE x = 7' })).toEqual([
      { n: 0 },
    ]);
  });
});
