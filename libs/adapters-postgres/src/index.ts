export type { Database } from './database';
export { openPostgres, type PostgresOptions } from './open-postgres';
export { openPglite, IN_MEMORY } from './open-pglite';
export { setupDatabase, seedDatabase } from './demo/demo-database';
export type { DemoData } from './demo/seed';
export { DirectoryLocked } from './embedded/directory-lock';
export { SchemaMismatch } from './sql/migrate';
export { SqlFailure } from './sql/sql-failure';
