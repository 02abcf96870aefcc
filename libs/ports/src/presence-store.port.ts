import type { PresenceRecord, SessionChange } from '@troupe/protocol';

export type { PresenceRecord, PresenceStatus, SessionChange } from '@troupe/protocol';

/**
 * Who is online. A user is while one session is; a gateway incarnation's sessions end together when its lease does.
 * Each change that makes a user's first session or ends the last one is reported as a transition exactly once, to
 * exactly one caller, however many presence pods share the store.
 *
 * Gateways number their batches 1, 2, 3 …; batches may arrive late, twice, out of order or not at all. The store
 * applies each once. While batches below one that it has are missing, it remembers which sessions were closed, so that
 * a late `opened` makes no ghost; {@link PresenceStore.renew} tells when a missing batch has to be taken for lost, and
 * {@link PresenceStore.restore} then brings the truth.
 *
 * All methods reject with {@link PresenceUnavailable}. Nothing here was acked to anybody: it can be rebuilt. Times are
 * the store's own. `lastSeen` of a user with a session is the time of the answer; of another, when the last one ended.
 */
export interface PresenceStore {
  /**
   * Applies batch `seq` of one gateway, atomically, and renews its lease. Gives the users whose status is another
   * after the batch than before it. A batch that was applied, or that a restore has overtaken, changes nothing.
   */
  apply(
    gateway: string,
    changes: readonly SessionChange[],
    options: { leaseMs: number; seq: number },
  ): Promise<PresenceRecord[]>;

  /**
   * Takes one part of all sessions that a gateway has open after its batch `seq`, and renews its lease. When the last
   * part is in, sessions of the gateway that were in none, and were not opened after `seq`, are closed. Parts may
   * arrive in any order and twice. Gives the users whose status changed.
   */
  restore(
    gateway: string,
    sessions: readonly (readonly [user: string, session: string])[],
    options: { leaseMs: number; seq: number; part: number; parts: number },
  ): Promise<PresenceRecord[]>;

  /**
   * Renews the lease of all sessions of a gateway whose newest batch is `seq`. False: the store does not know all of
   * its sessions (the lease had ended, or a batch is missing since the last renewal but one); it must restore them.
   */
  renew(gateway: string, options: { leaseMs: number; seq: number }): Promise<boolean>;

  /**
   * Ends sessions of gateways whose lease is over, a bounded number in one call. Gives the users who went offline;
   * call again until that is nobody. To be called several times in each lease: after a pause of more than half a
   * lease nobody could be sure to be heard, so gateways first get one lease time to renew.
   */
  expire(options: { leaseMs: number }): Promise<PresenceRecord[]>;

  /** One record per user asked for, in that order. */
  query(users: readonly string[]): Promise<PresenceRecord[]>;
  /** How many users are online. */
  onlineUsers(): Promise<number>;
  close(): Promise<void>;
}

/** The store cannot be reached or did not answer in time. Temporary; whether a change was applied is unknown. */
export class PresenceUnavailable extends Error {
  override readonly name = 'PresenceUnavailable';
}
