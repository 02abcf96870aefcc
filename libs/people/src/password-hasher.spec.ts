import { parseOptions } from '@node-rs/argon2';
import { PasswordHasher } from './password-hasher';

describe('PasswordHasher', () => {
  it('knows the right password from a wrong one, with the settings asked for', async () => {
    const hasher = new PasswordHasher({ concurrency: 2, queueMax: 50 });
    const hash = await hasher.hash('correct horse');
    expect(parseOptions(hash)).toMatchObject({
      algorithm: 2,
      memoryCost: 19_456,
      timeCost: 2,
      parallelism: 1,
    });
    await expect(hasher.verify(hash, 'correct horse')).resolves.toBe(true);
    await expect(hasher.verify(hash, 'correct horsE')).resolves.toBe(false);
    await expect(hasher.verify(hash, '')).resolves.toBe(false);
  });

  it('does the same work without an account, and says no', async () => {
    const hasher = new PasswordHasher({ concurrency: 1, queueMax: 50 });
    const hash = await hasher.hash('correct horse');
    const medianMs = async (passwordHash: string | null): Promise<number> => {
      const times: number[] = [];
      for (let i = 0; i < 9; i++) {
        const start = performance.now();
        await expect(hasher.verify(passwordHash, 'wrong password')).resolves.toBe(false);
        times.push(performance.now() - start);
      }
      return times.sort((a, b) => a - b)[4] ?? NaN;
    };
    const [unknown, wrong] = [await medianMs(null), await medianMs(hash)];
    // A skipped hash would be a hundred times faster; the machine may be busy, so not too narrow.
    expect(unknown / wrong).toBeGreaterThan(0.33);
    expect(unknown / wrong).toBeLessThan(3);
  });

  it('refuses at once when too many wait, and serves all others', async () => {
    const hasher = new PasswordHasher({ concurrency: 2, queueMax: 3 });
    const outcomes = await Promise.allSettled(
      Array.from({ length: 8 }, (_, i) => hasher.hash(`password ${i}`)),
    );
    expect(outcomes.slice(0, 5).map((o) => o.status)).toEqual(Array(5).fill('fulfilled'));
    for (const refused of outcomes.slice(5)) {
      expect(refused).toMatchObject({
        status: 'rejected',
        reason: { code: 'rate_limited', retryAfterMs: 1_000 },
      });
    }
    await expect(hasher.hash('again')).resolves.toContain('$argon2id$');
  });

  it('frees its place when the work fails', async () => {
    const hasher = new PasswordHasher({ concurrency: 1, queueMax: 0 });
    await expect(hasher.verify('not a hash', 'x')).rejects.toThrow();
    await expect(hasher.hash('still works')).resolves.toContain('$argon2id$');
  });
});
