import { execFileSync } from 'node:child_process';
import type { UserIds } from './supervised-process';

/**
 * Gives the user to run Postgres as, which refuses to run as root: null (ourselves) unless we are root, else
 * `postgres`, as the distributions' packages make it, or `nobody`.
 */
export function unprivilegedUser(): UserIds | null {
  if (process.getuid?.() !== 0) return null;
  const ids = idsOf('postgres') ?? idsOf('nobody');
  if (ids === null) throw new Error('Postgres does not run as root, and there is no user postgres or nobody');
  return ids;
}

function idsOf(user: string): UserIds | null {
  try {
    const [uid, gid] = ['-u', '-g'].map((flag) =>
      Number(execFileSync('id', [flag, user], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })),
    );
    return uid === undefined || gid === undefined ? null : { uid, gid };
  } catch (error) {
    // `id` ends with 1 for a user that is not there; anything else (no `id` at all) is worth hearing of.
    if ((error as { status?: number }).status === 1) return null;
    throw error;
  }
}
