import { TroupeError } from '@troupe/protocol';
import { LRUCache } from 'lru-cache';

/** How many keys are remembered; the least recently seen is forgotten first. */
export const ATTEMPT_KEYS_MAX = 50_000;

interface Attempts {
  left: number;
  atMs: number;
}

/**
 * Limits attempts per key: `perMinute` at once, and as many per minute in the long run.
 * In memory, per pod: with n pods behind one address a guesser has at most n times as many.
 */
export class AttemptLimiter {
  private readonly attempts: LRUCache<string, Attempts>;

  constructor(
    private readonly perMinute: number,
    private readonly nowMs: () => number,
    keysMax: number = ATTEMPT_KEYS_MAX,
  ) {
    this.attempts = new LRUCache({ max: keysMax });
  }

  /** Takes one attempt; throws `rate_limited` with the time to wait when there is none left. */
  take(key: string): void {
    const entry = this.refilled(key);
    if (entry.left < 1) {
      const waitMs = Math.ceil(((1 - entry.left) * 60_000) / this.perMinute);
      throw new TroupeError('rate_limited', 'too many attempts', waitMs);
    }
    entry.left -= 1;
  }

  /** Gives an attempt back: it turned out not to be a guess. */
  giveBack(key: string): void {
    const entry = this.refilled(key);
    entry.left = Math.min(this.perMinute, entry.left + 1);
  }

  private refilled(key: string): Attempts {
    const nowMs = this.nowMs();
    let entry = this.attempts.get(key);
    if (!entry) {
      entry = { left: this.perMinute, atMs: nowMs };
      this.attempts.set(key, entry);
    }
    const passedMs = Math.max(0, nowMs - entry.atMs);
    entry.left = Math.min(this.perMinute, entry.left + (passedMs * this.perMinute) / 60_000);
    entry.atMs = nowMs;
    return entry;
  }
}
