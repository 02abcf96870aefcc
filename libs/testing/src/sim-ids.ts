import type { Clock, Ids } from '@troupe/ports';
import type { SeededRandom } from './seeded-random';

/** UUIDv7 that a seed and a simulated clock repeat exactly. They rise in the order in which they were made. */
export class SimIds implements Ids {
  private made = 0;

  constructor(
    private readonly clock: Clock,
    private readonly random: SeededRandom,
  ) {}

  uuid(): string {
    const time = hex(Date.parse(this.clock.wallTime()), 12);
    // 26 bits of counter, as in the real ones; one counter for all milliseconds keeps the order simple.
    const count = ++this.made;
    const high = hex((count >>> 14) & 0xfff, 3);
    const low = hex(0x8000 | (count & 0x3fff), 4);
    const tail = hex(this.random.below(0x1000000), 6) + hex(this.random.below(0x1000000), 6);
    return `${time.slice(0, 8)}-${time.slice(8)}-7${high}-${low}-${tail}`;
  }
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}
