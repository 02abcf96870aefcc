import { Gauge as PromGauge, Registry } from 'prom-client';
import { Counter, exposeCounter, exposeLabelledCounter, LabelledCounter } from './counter.metric';
import { exposeGauge, Gauge } from './gauge.metric';
import { exposeHistogram, Histogram } from './histogram.metric';
import type { MetricDefinition } from './metric.definition';
import { metricsCatalogue } from './metrics.catalogue';
import { processMetrics } from './process.metrics';

type InstrumentOf<D> = D extends { kind: 'counter' }
  ? Counter
  : D extends {
        kind: 'labelled-counter';
        label: infer L extends string;
        values: readonly (infer V extends string)[];
      }
    ? LabelledCounter<L, V>
    : D extends { kind: 'gauge' }
      ? Gauge
      : Histogram;

type Instruments = {
  readonly [K in keyof typeof metricsCatalogue]: InstrumentOf<(typeof metricsCatalogue)[K]>;
};

/** One field for each metric of the catalogue, and their exposition. Several services of one process may share it. */
export type Metrics = Instruments & {
  /** Everything in the Prometheus text format, read in one turn: sums across metrics hold. */
  text(): Promise<string>;
  /** The media type of {@link text}. */
  readonly contentType: string;
};

/** Makes an instrument and shows it in the registry under the definition's name. */
function instrument(
  definition: MetricDefinition,
  registry: Registry,
): Counter | LabelledCounter<string, string> | Gauge | Histogram {
  switch (definition.kind) {
    case 'counter': {
      const made = new Counter();
      exposeCounter(registry, definition, made);
      return made;
    }
    case 'labelled-counter': {
      const made = new LabelledCounter(definition.label, definition.values);
      exposeLabelledCounter(registry, definition, made);
      return made;
    }
    case 'gauge': {
      const made = new Gauge();
      exposeGauge(registry, definition, made);
      return made;
    }
    case 'histogram': {
      const made = new Histogram(definition.buckets);
      exposeHistogram(registry, definition, made);
      return made;
    }
  }
}

/** Makes a fresh set of metrics at zero. Nothing is global but what describes the process itself. */
export function createMetrics({ service }: { service: string }): Metrics {
  const registry = new Registry();
  // The mapped type names per field what the definition of that field makes.
  const instruments = Object.fromEntries(
    Object.entries(metricsCatalogue).map(([field, definition]) => [field, instrument(definition, registry)]),
  ) as Instruments;
  new PromGauge({
    name: 'troupe_service_info',
    help: 'Always 1; says which service this is.',
    labelNames: ['service'],
    registers: [registry],
  }).set({ service }, 1);
  const all = Registry.merge([registry, processMetrics()]);
  return { ...instruments, text: () => all.metrics(), contentType: all.contentType };
}
