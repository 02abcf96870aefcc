import { Algorithm, hash, verify, type Options } from '@node-rs/argon2';
import { TroupeError } from '@troupe/protocol';

/** OWASP's minimum for argon2id: 19 MiB, two passes, one lane. */
const OPTIONS: Options = {
  // `Algorithm` is a const enum, which a file compiled by itself cannot read; 2 is Argon2id.
  algorithm: 2 satisfies Algorithm.Argon2id,
  memoryCost: 19_456,
  timeCost: 2,
  parallelism: 1,
};

/** A hash of 32 random bytes that were thrown away, made with the settings above: nobody's password. */
const NOBODY =
  '$argon2id$v=19$m=19456,t=2,p=1$d3xLeZuSXaxHMyUWpxzhgw$vulKOkRlk9pDutiopob46LNO2M2eWRlhYrHfBj0M6wg';

const RETRY_AFTER_MS = 1_000;

/**
 * Hashes and checks passwords with argon2id, a few at a time.
 *
 * Each takes 19 MiB and tens of milliseconds of a core, on the thread pool that files and name look-ups share: without
 * a bound a burst of logins starves everything else. Who finds the queue full gets `rate_limited`.
 */
export class PasswordHasher {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly limits: { concurrency: number; queueMax: number }) {}

  /** Gives the hash in its PHC text form, with the settings and the salt in it. */
  hash(password: string): Promise<string> {
    return this.inTurn(() => hash(password, OPTIONS));
  }

  /** Checks a password. Without a hash (no such account) it does the same work and says no. */
  async verify(passwordHash: string | null, password: string): Promise<boolean> {
    const matches = await this.inTurn(() => verify(passwordHash ?? NOBODY, password));
    return passwordHash !== null && matches;
  }

  private async inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.running < this.limits.concurrency) {
      this.running++;
    } else {
      if (this.waiting.length >= this.limits.queueMax) {
        throw new TroupeError('rate_limited', 'too many logins at once', RETRY_AFTER_MS);
      }
      // The one who finishes hands its place over, so `running` stays as it is.
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.running--;
    }
  }
}
