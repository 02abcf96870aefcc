export type PresenceStatus = 'online' | 'away' | 'offline';

export interface PresenceRecord {
  user: string;
  status: PresenceStatus;
  /** RFC 3339, UTC; null if the user was never seen. */
  lastSeen: string | null;
  /** How many sessions are open. */
  sessions: number;
}

/**
 * Who is online. A user is while one session is; a gateway incarnation's sessions end together when its lease does.
 * Each change that makes a user's first session or ends the last one is reported as a transition exactly once.
 * All methods reject with {@link PresenceUnavailable}. Nothing here was acked to anybody: it can be rebuilt.
 */
export interface PresenceStore {
  /** Opens and closes sessions of one gateway, atomically. Idempotent. Gives the users whose status changed. */
  apply(
    gateway: string,
    changes: readonly SessionChange[],
    options: { leaseMs: number },
  ): Promise<PresenceRecord[]>;
  /** Renews the lease of all sessions of a gateway. False when it had ended: the gateway then opens its sessions again. */
  renew(gateway: string, options: { leaseMs: number }): Promise<boolean>;
  /** Ends the sessions of gateways whose lease is over. Gives the users who went offline. */
  expire(): Promise<PresenceRecord[]>;
  /** One record per user asked for, in that order. */
  query(users: readonly string[]): Promise<PresenceRecord[]>;
  /** How many users are online. */
  onlineUsers(): Promise<number>;
  close(): Promise<void>;
}

export interface SessionChange {
  user: string;
  session: string;
  change: 'opened' | 'closed';
}

export class PresenceUnavailable extends Error {
  override readonly name = 'PresenceUnavailable';
}
