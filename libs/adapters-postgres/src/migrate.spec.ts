import { PgliteSql } from './sql/pglite-sql';
import { SchemaMismatch, migrate } from './sql/migrate';
import { type MigrationFile, migrationFiles } from './sql/sql-files';

const count = { name: 'count', text: 'SELECT count(*) AS n FROM schema_migrations' };
const extra = (text: string): MigrationFile => ({
  version: migrationFiles().length + 1,
  name: 'extra',
  text,
});

describe('migrations', () => {
  let sql: PgliteSql;

  beforeAll(async () => {
    sql = await PgliteSql.open(null);
  }, 60_000);
  afterAll(() => sql.close());

  it('leave nothing behind when one of them fails', async () => {
    const broken = [...migrationFiles(), extra('CREATE TABLE a (x int); SELECT 1 / 0;')];
    await expect(migrate(sql, broken)).rejects.toMatchObject({ sqlState: '22012' });
    const tables = await sql.query({
      name: 't',
      text: "SELECT 1 FROM pg_tables WHERE schemaname = 'public'",
    });
    expect(tables).toEqual([]);
  });

  it('run once', async () => {
    await migrate(sql);
    await migrate(sql);
    expect(await sql.query(count)).toEqual([{ n: migrationFiles().length }]);
    expect(await sql.query({ name: 'p', text: 'SELECT count(*) AS n FROM partitions' })).toEqual([
      { n: 256 },
    ]);
  });

  it('refuse an applied one that was edited since, and name it', async () => {
    const edited = migrationFiles().map((file) => ({ ...file, text: `${file.text}-- edited\n` }));
    const refusal = migrate(sql, edited);
    await expect(refusal).rejects.toThrow(SchemaMismatch);
    await expect(refusal).rejects.toThrow('migration 1 (rooms-and-people)');
  });

  it('that are missing are applied to a database that is there, and then an older program refuses it', async () => {
    await migrate(sql, [...migrationFiles(), extra('CREATE TABLE later (x int);')]);
    expect(await sql.query({ name: 'l', text: 'SELECT * FROM later' })).toEqual([]);
    await expect(migrate(sql)).rejects.toThrow(
      'the database is newer than this program: it has migration 2 (extra)',
    );
  });
});
