import type { PresenceRecord } from '@troupe/ports';

/** Asks who is online; one record per user, in the order asked for. Rejects with `TroupeError` or `PresenceUnavailable`. */
export interface PresenceQuery {
  query(users: readonly string[]): Promise<PresenceRecord[]>;
}

export const PRESENCE_QUERY = Symbol('PresenceQuery');
