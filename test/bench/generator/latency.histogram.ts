export interface LatencySummary {
  count: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
}

const GROWTH = Math.log(1.02);
const BUCKETS = 1_100;

/** A histogram of latencies with buckets 2 % wide, from 1 µs to about an hour. */
export class LatencyHistogram {
  readonly #buckets = new Uint32Array(BUCKETS);
  #count = 0;
  #maxUs = 0;

  record(us: number): void {
    const bucket = us <= 1 ? 0 : Math.min(BUCKETS - 1, Math.floor(Math.log(us) / GROWTH));
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1;
    this.#count += 1;
    if (us > this.#maxUs) this.#maxUs = us;
  }

  reset(): void {
    this.#buckets.fill(0);
    this.#count = 0;
    this.#maxUs = 0;
  }

  summary(): LatencySummary {
    return {
      count: this.#count,
      p50Ms: this.#quantile(0.5),
      p99Ms: this.#quantile(0.99),
      maxMs: this.#maxUs / 1_000,
    };
  }

  #quantile(q: number): number {
    let left = Math.ceil(this.#count * q);
    if (left === 0) return 0;
    for (let i = 0; i < BUCKETS; i += 1) {
      left -= this.#buckets[i] ?? 0;
      if (left <= 0) return Math.exp((i + 0.5) * GROWTH) / 1_000;
    }
    return this.#maxUs / 1_000;
  }
}
