/** A metric as the catalogue declares it, before any instance counts anything. */
export type MetricDefinition =
  | { kind: 'counter'; name: string; help: string }
  | { kind: 'labelled-counter'; name: string; help: string; label: string; values: readonly string[] }
  | { kind: 'gauge'; name: string; help: string; shown: 'always' | 'once-set' }
  | { kind: 'histogram'; name: string; help: string; buckets: readonly number[] };

/** Something that is counted and only rises. */
export function counter(name: string, help: string) {
  return { kind: 'counter', name, help } as const;
}

/** A counter split by one label, whose values are all known beforehand. */
export function counterBy<const L extends string, const V extends string>(
  name: string,
  help: string,
  split: { label: L; values: readonly V[] },
) {
  return { kind: 'labelled-counter', name, help, label: split.label, values: split.values } as const;
}

/** Something that is measured and goes up and down. */
export function gauge(name: string, help: string) {
  return { kind: 'gauge', name, help, shown: 'always' } as const;
}

/** A gauge that services without the thing do not show: a 0 there would read as "broken". */
export function gaugeOnceSet(name: string, help: string) {
  return { kind: 'gauge', name, help, shown: 'once-set' } as const;
}

/** A distribution. `buckets` are upper bounds, rising. */
export function histogram(name: string, help: string, buckets: readonly number[]) {
  return { kind: 'histogram', name, help, buckets } as const;
}
