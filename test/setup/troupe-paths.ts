import Module from 'node:module';
import { join, resolve } from 'node:path';

const LIBS = resolve(__dirname, '../../libs');

type Resolve = (this: unknown, request: string, ...rest: unknown[]) => string;
const resolver = Module as unknown as { _resolveFilename: Resolve };

/**
 * Runs `action` while `@troupe/<lib>` means `libs/<lib>/src/index.ts` to Node itself.
 *
 * Jest applies its module map to test files only. It transforms its global set-up, but leaves the resolving there to
 * Node, which knows nothing of our paths; and there is no public hook for it in Node 20.
 */
export async function withTroupePaths<T>(action: () => Promise<T>): Promise<T> {
  const original = resolver._resolveFilename;
  resolver._resolveFilename = function (request, ...rest) {
    const lib = /^@troupe\/([a-z-]+)$/.exec(request)?.[1];
    return original.call(this, lib === undefined ? request : join(LIBS, lib, 'src/index.ts'), ...rest);
  };
  try {
    return await action();
  } finally {
    resolver._resolveFilename = original;
  }
}
