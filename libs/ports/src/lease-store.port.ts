/** A partition that a pod owns. A lower epoch than the stored one is never obeyed by the store. */
export interface Lease {
  partition: number;
  epoch: number;
}

/**
 * Who owns which partition: rows `partitions(id, owner, epoch, lease_until)`, on the store's own clock.
 *
 * All methods reject with `StoreUnavailable`. A lease is over for its owner when `ttlMs` have passed since *before*
 * the call that renewed it, by the owner's monotonic clock; the store's row ends later than that, never earlier.
 */
export interface LeaseStore {
  /**
   * Takes up to `max` partitions that are free or expired, raising each one's epoch, in one statement.
   * Two pods asking at once never get the same one.
   */
  acquire(pod: string, options: { max: number; ttlMs: number }): Promise<Lease[]>;

  /**
   * Extends everything that the pod still owns, in one statement, and says that the pod is alive.
   * Gives what it owns: what is missing was lost.
   */
  renew(pod: string, options: { ttlMs: number }): Promise<Lease[]>;

  /** Gives partitions back: free at once. Only those still owned under that epoch. Without a list: everything, and the pod is gone. */
  release(pod: string, leases?: readonly Lease[]): Promise<void>;

  /** How many pods are alive (renewed within their ttl), and how many partitions have a living owner. */
  census(): Promise<{ pods: number; owned: number }>;
}
