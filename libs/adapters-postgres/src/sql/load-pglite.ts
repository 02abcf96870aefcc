import { runInThisContext } from 'node:vm';

type PgliteModule = typeof import('@electric-sql/pglite');
type NodeModule = typeof import('node:module');

/**
 * Loads PGlite when it is first needed: a pod on a Postgres server never parses it.
 *
 * By Node's own loader on purpose. PGlite itself imports parts of Node dynamically, which fails for a module that a
 * test runner has loaded into a context of its own; this way it is the same module, loaded in the same way, everywhere.
 */
export function loadPglite(): PgliteModule {
  const { createRequire } = runInThisContext("process.getBuiltinModule('node:module')") as NodeModule;
  return createRequire(__filename)('@electric-sql/pglite') as PgliteModule;
}
