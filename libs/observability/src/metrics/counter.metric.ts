import { Counter as PromCounter, type Registry } from 'prom-client';

function checked(n: number): number {
  // NaN would stay in the sum for ever, and a fall reads as a restart.
  if (!(n >= 0 && n < Infinity))
    throw new RangeError('a counter rises by a finite number that is not negative');
  return n;
}

/** Counts. Adding is one addition to a field; prom-client sees the sum when it is scraped. */
export class Counter {
  private sum = 0;

  /** Adds `n` (default 1). Throws RangeError for anything but a finite number that is not negative. */
  inc(n = 1): void {
    this.sum += checked(n);
  }

  get value(): number {
    return this.sum;
  }
}

/** A counter for each value of one label. The set of values is closed, and each is shown from the start, at 0. */
export class LabelledCounter<L extends string, V extends string> {
  private readonly children: ReadonlyMap<V, Counter>;

  constructor(
    private readonly label: L,
    values: readonly V[],
  ) {
    this.children = new Map(values.map((value) => [value, new Counter()]));
  }

  /** Gives the counter of one label value, to be kept where counting is frequent. Throws RangeError for an unknown one. */
  by(value: V): Counter {
    const child = this.children.get(value);
    // Not echoed: what is unknown here may be something that a client sent.
    if (!child) throw new RangeError(`not a value of the label ${this.label}`);
    return child;
  }

  /** Adds `n` (default 1) to the counter of one label value. */
  inc(labels: Readonly<Record<L, V>>, n = 1): void {
    this.by(labels[this.label]).inc(n);
  }

  entries(): Iterable<[V, Counter]> {
    return this.children.entries();
  }
}

export function exposeCounter(
  registry: Registry,
  { name, help }: { name: string; help: string },
  counter: Counter,
): void {
  new PromCounter({
    name,
    help,
    registers: [registry],
    collect() {
      this.reset();
      this.inc(counter.value);
    },
  });
}

export function exposeLabelledCounter<L extends string, V extends string>(
  registry: Registry,
  { name, help, label }: { name: string; help: string; label: L },
  counter: LabelledCounter<L, V>,
): void {
  const prom = new PromCounter<string>({
    name,
    help,
    labelNames: [label],
    registers: [registry],
    collect() {
      prom.reset();
      for (const [value, child] of counter.entries()) prom.inc({ [label]: value }, child.value);
    },
  });
}
