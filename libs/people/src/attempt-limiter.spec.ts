import { AttemptLimiter } from './attempt-limiter';

describe('AttemptLimiter', () => {
  let nowMs: number;
  const limiter = (perMinute: number, keysMax?: number): AttemptLimiter => {
    nowMs = 1_000;
    return new AttemptLimiter(perMinute, () => nowMs, keysMax);
  };

  it('allows a minute of attempts at once, then says when the next one is due', () => {
    const limit = limiter(3);
    for (let i = 0; i < 3; i++) limit.take('a');
    expect(() => limit.take('a')).toThrow(
      expect.objectContaining({ code: 'rate_limited', retryAfterMs: 20_000 }),
    );
    nowMs += 19_999;
    expect(() => limit.take('a')).toThrow('too many attempts');
    nowMs += 1;
    limit.take('a');
    expect(() => limit.take('a')).toThrow('too many attempts');
  });

  it('keeps keys apart', () => {
    const limit = limiter(1);
    limit.take('a');
    limit.take('b');
    expect(() => limit.take('a')).toThrow('too many attempts');
  });

  it('gives attempts back, never more than a minute of them', () => {
    const limit = limiter(1);
    limit.take('a');
    limit.giveBack('a');
    limit.giveBack('a');
    limit.take('a');
    expect(() => limit.take('a')).toThrow('too many attempts');
  });

  it('forgets the key that was seen least recently, so that it stays bounded', () => {
    const limit = limiter(1, 2);
    limit.take('a');
    limit.take('b');
    limit.take('c');
    expect(() => limit.take('c')).toThrow('too many attempts');
    limit.take('a');
  });
});
