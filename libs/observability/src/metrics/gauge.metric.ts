import { Gauge as PromGauge, type Registry } from 'prom-client';

/** Measures. Its value is what was set and added, plus what its sources say at the moment of the scrape. */
export class Gauge {
  private own = 0;
  private touched = false;
  private readonly sources = new Set<() => number>();

  set(value: number): void {
    this.own = value;
    this.touched = true;
  }

  /** Adds `n`, which may be negative. */
  add(n: number): void {
    this.set(this.own + n);
  }

  inc(n = 1): void {
    this.add(n);
  }

  dec(n = 1): void {
    this.add(-n);
  }

  /**
   * Asks `source` at each scrape; sources add up, so several parts of one process can share a gauge. It must be quick
   * and synchronous: all metrics of a scrape are read in one turn, which is what makes their sums agree.
   * Returns a function that takes the source away.
   */
  from(source: () => number): () => void {
    this.sources.add(source);
    return () => {
      this.sources.delete(source);
    };
  }

  get value(): number {
    let sum = this.own;
    for (const source of this.sources) sum += source();
    return sum;
  }

  /** True once the gauge has been set or has a source. */
  get known(): boolean {
    return this.touched || this.sources.size > 0;
  }
}

export function exposeGauge(
  registry: Registry,
  { name, help, shown }: { name: string; help: string; shown: 'always' | 'once-set' },
  gauge: Gauge,
): void {
  new PromGauge({
    name,
    help,
    registers: [registry],
    collect() {
      // A source that fails, or gives no number, makes its own sample missing; everybody else's is still told.
      const value = shown === 'always' || gauge.known ? readable(gauge) : undefined;
      if (value === undefined) this.remove();
      else this.set(value);
    },
  });
}

function readable(gauge: Gauge): number | undefined {
  try {
    const { value } = gauge;
    return Number.isFinite(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
