import { Histogram as PromHistogram, type Registry } from 'prom-client';

/**
 * Counts observations in buckets. Unlike prom-client's own it takes a weight: a broadcast of one turn is one call,
 * however many sockets it reached.
 */
export class Histogram {
  private readonly counts: Float64Array;
  private total = 0;
  private sum = 0;

  /** `bounds` are the upper bounds of the buckets, inclusive and rising; the one to infinity is added. */
  constructor(readonly bounds: readonly number[]) {
    this.counts = new Float64Array(bounds.length + 1);
  }

  /** Records `value` (seconds, or what the metric counts) `times` times. NaN is ignored; it would stay in the sum. */
  observe(value: number, times = 1): void {
    if (!Number.isFinite(value) || !(times > 0)) return;
    let bucket = 0;
    while (bucket < this.bounds.length && value > (this.bounds[bucket] ?? Infinity)) bucket++;
    this.counts[bucket] = (this.counts[bucket] ?? 0) + times;
    this.total += times;
    this.sum += value * times;
  }

  /** What was observed so far; `cumulative` has one count per bound, of values up to it. */
  snapshot(): { cumulative: number[]; count: number; sum: number } {
    let below = 0;
    const cumulative = this.bounds.map((_, bucket) => (below += this.counts[bucket] ?? 0));
    return { cumulative, count: this.total, sum: this.sum };
  }
}

/** prom-client's histogram with another source of numbers; registry and text format stay prom-client's. */
class ExposedHistogram extends PromHistogram {
  constructor(
    private readonly about: { name: string; help: string; registers: Registry[] },
    private readonly source: Histogram,
  ) {
    super({ ...about, buckets: [...source.bounds] });
  }

  /** What the registry reads for its text, and what the inherited `get` is made from. */
  getForPromString() {
    const { name, help } = this.about;
    const { cumulative, count, sum } = this.source.snapshot();
    const sample = (suffix: string, value: number, labels: Record<string, string | number> = {}) => ({
      labels,
      sharedLabels: {},
      value,
      metricName: `${name}${suffix}`,
    });
    const values = [
      ...this.source.bounds.map((le, bucket) => sample('_bucket', cumulative[bucket] ?? 0, { le })),
      sample('_bucket', count, { le: '+Inf' }),
      sample('_sum', sum),
      sample('_count', count),
    ];
    return Promise.resolve({ name, help, type: 'histogram', aggregator: 'sum', values });
  }
}

export function exposeHistogram(
  registry: Registry,
  { name, help }: { name: string; help: string },
  histogram: Histogram,
): void {
  new ExposedHistogram({ name, help, registers: [registry] }, histogram);
}
