import { SystemIds } from './system-ids';

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const timeOf = (id: string): number => parseInt(id.slice(0, 8) + id.slice(9, 13), 16);

describe('ids', () => {
  it('are UUIDv7 of the current time', () => {
    const before = Date.now();
    const id = new SystemIds().uuid();
    expect(id).toMatch(UUID_V7);
    expect(timeOf(id)).toBeGreaterThanOrEqual(before);
    expect(timeOf(id)).toBeLessThanOrEqual(Date.now());
  });

  it('carry the time exactly', () => {
    const ms = 0x017f22e279b0; // The example of RFC 9562, appendix A.6.
    expect(new SystemIds(() => ms).uuid()).toMatch(/^017f22e2-79b0-7/);
  });

  it('rise within a millisecond, and none comes twice', () => {
    const ids = new SystemIds(() => 1_700_000_000_000);
    const made = Array.from({ length: 100_000 }, () => ids.uuid());
    expect(made.every((id) => UUID_V7.test(id))).toBe(true);
    expect(new Set(made).size).toBe(made.length);
    expect([...made].sort()).toEqual(made);
  });

  it('rise when the wall clock is set back', () => {
    let now = 1_700_000_000_000;
    const ids = new SystemIds(() => now);
    const before = ids.uuid();
    now -= 3_600_000;
    expect(ids.uuid() > before).toBe(true);
  });

  it('differ between processes in the same millisecond', () => {
    const [a, b] = [new SystemIds(() => 1), new SystemIds(() => 1)];
    expect(a.uuid()).not.toBe(b.uuid());
  });

  it('use random bits evenly', () => {
    const ids = new SystemIds();
    const ones = new Array<number>(48).fill(0);
    const rounds = 20_000;
    for (let i = 0; i < rounds; i++) {
      const tail = parseInt(ids.uuid().slice(24), 16);
      for (let bit = 0; bit < 48; bit++) if (Math.floor(tail / 2 ** bit) % 2 === 1) ones[bit]!++;
    }
    // Seven standard deviations of a fair coin.
    for (const count of ones) expect(Math.abs(count - rounds / 2)).toBeLessThan(3.5 * Math.sqrt(rounds));
  });
});
