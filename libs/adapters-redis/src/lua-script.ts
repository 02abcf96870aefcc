import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const INCLUDE = /^--- @include ([a-z-]+)$/gm;

/** A script that Redis runs in one step; its file's header lists keys, arguments, return codes and effects. */
export interface LuaScript {
  readonly name: string;
  readonly source: string;
  /** SHA-1 of the source, the name under which Redis caches it. */
  readonly sha: string;
}

/**
 * Reads `lua/<name>.lua` of this lib, with the files that it includes from the same folder.
 * Throws when there is none: a pod without its scripts must not start.
 */
export function loadLuaScript(name: string): LuaScript {
  const file = join(luaFolder(), `${name}.lua`);
  const source = readFileSync(file, 'utf8').replace(INCLUDE, (_, included: string) =>
    readFileSync(join(dirname(file), `${included}.lua`), 'utf8'),
  );
  return { name, source, sha: createHash('sha1').update(source).digest('hex') };
}

// The compiler copies only TypeScript to dist, so the scripts are read where they were written, from either place.
function luaFolder(): string {
  for (let folder = __dirname; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return join(folder, 'libs', 'adapters-redis', 'lua');
    if (folder === dirname(folder)) throw new Error('no package.json above the Redis scripts');
  }
}
