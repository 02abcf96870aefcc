import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks';

/** How often the event loop is looked at. The histogram's values include this wait, so it is taken off again. */
const LAG_RESOLUTION_MS = 20;
const NANOSECONDS = 1e9;

const offset = (nanoseconds: number): number =>
  Math.max(0, nanoseconds / NANOSECONDS - LAG_RESOLUTION_MS / 1_000);

/** The names that dashboards for Node know. All are of the time since the last scrape. */
const lagReadings: Record<string, { what: string; read: (h: IntervalHistogram) => number }> = {
  nodejs_eventloop_lag_seconds: { what: 'Mean', read: (h) => offset(h.mean) },
  nodejs_eventloop_lag_min_seconds: { what: 'Shortest', read: (h) => offset(h.min) },
  nodejs_eventloop_lag_max_seconds: { what: 'Longest', read: (h) => offset(h.max) },
  nodejs_eventloop_lag_mean_seconds: { what: 'Mean', read: (h) => offset(h.mean) },
  nodejs_eventloop_lag_stddev_seconds: { what: 'Deviation of', read: (h) => h.stddev / NANOSECONDS },
  nodejs_eventloop_lag_p50_seconds: { what: 'Median', read: (h) => offset(h.percentile(50)) },
  nodejs_eventloop_lag_p90_seconds: { what: '90th percentile of', read: (h) => offset(h.percentile(90)) },
  nodejs_eventloop_lag_p99_seconds: { what: '99th percentile of', read: (h) => offset(h.percentile(99)) },
};

/**
 * prom-client's own event loop metrics wake the process a hundred times a second and report the wait between two
 * looks as lag: an idle process seems to lag by 10 ms. Theirs cannot be left out, only starved.
 */
function replaceEventLoopLag(registry: Registry): void {
  for (const { name } of registry.getMetricsAsArray()) {
    if (name.startsWith('nodejs_eventloop_lag')) registry.removeSingleMetric(name);
  }
  const histogram = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });
  histogram.enable();
  const names = Object.keys(lagReadings);
  for (const [name, { what, read }] of Object.entries(lagReadings)) {
    new Gauge({
      name,
      help: `${what} event loop lag since the last scrape, in seconds.`,
      registers: [registry],
      collect() {
        // An empty histogram answers with NaN and with the largest number there is.
        this.set(histogram.count === 0 ? 0 : read(histogram));
        // Gauges are read in the order in which they were made: the last one starts the next interval.
        if (name === names.at(-1)) histogram.reset();
      },
    });
  }
}

let shared: Registry | undefined;

/**
 * Gives Node's default metrics: memory, CPU, garbage collection, handles, event loop lag.
 * They describe the process, and watching costs observers that cannot be taken away again, so there is one set however
 * many services live in it.
 */
export function processMetrics(): Registry {
  if (shared) return shared;
  const registry = new Registry();
  const HOUR_MS = 3_600_000;
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: HOUR_MS });
  replaceEventLoopLag(registry);
  shared = registry;
  return registry;
}
