import { randomFillSync } from 'node:crypto';
import type { Ids } from '@troupe/ports';

const HEX = Buffer.from('0123456789abcdef', 'latin1');
const POOL_BYTES = 6 * 1_024;
const COUNTER_MAX = 0x3ff_ffff;

/**
 * UUIDv7 of RFC 9562, rising also within a millisecond and when the wall clock is set back.
 *
 * After the 48 bits of time comes a counter of 26 bits (section 6.2, method 1), which starts at a random number below
 * 2^25 in each millisecond; 48 random bits follow. Ids of two processes are the same only where all of that is.
 */
export class SystemIds implements Ids {
  private readonly text = Buffer.from('00000000-0000-7000-8000-000000000000', 'latin1');
  private readonly pool = Buffer.allocUnsafe(POOL_BYTES);
  private poolAt = POOL_BYTES;
  private ms = -1;
  private counter = 0;

  /** `wallMs`: milliseconds since 1970. */
  constructor(private readonly wallMs: () => number = Date.now) {}

  uuid(): string {
    const now = this.wallMs();
    if (now > this.ms) this.begin(now);
    else if (++this.counter > COUNTER_MAX) this.begin(this.ms + 1);
    this.writeCounter();
    this.writeRandom();
    return this.text.toString('latin1');
  }

  private begin(ms: number): void {
    this.ms = ms;
    this.counter = this.random() | (this.random() << 8) | (this.random() << 16) | ((this.random() & 1) << 24);
    // Numbers above 2^32 cannot be shifted.
    let rest = ms;
    for (let at = 12; at >= 0; at--) {
      if (at === 8) continue;
      this.text[at] = HEX[rest % 16]!;
      rest = Math.floor(rest / 16);
    }
  }

  private writeCounter(): void {
    const { text, counter } = this;
    text[15] = HEX[counter >>> 22]!;
    text[16] = HEX[(counter >>> 18) & 15]!;
    text[17] = HEX[(counter >>> 14) & 15]!;
    text[19] = HEX[8 | ((counter >>> 12) & 3)]!;
    text[20] = HEX[(counter >>> 8) & 15]!;
    text[21] = HEX[(counter >>> 4) & 15]!;
    text[22] = HEX[counter & 15]!;
  }

  private writeRandom(): void {
    for (let at = 24; at < 36; at += 2) {
      const byte = this.random();
      this.text[at] = HEX[byte >>> 4]!;
      this.text[at + 1] = HEX[byte & 15]!;
    }
  }

  private random(): number {
    if (this.poolAt === POOL_BYTES) {
      randomFillSync(this.pool);
      this.poolAt = 0;
    }
    return this.pool[this.poolAt++]!;
  }
}
