import type { Metrics } from '../metrics/metrics';
import type { HealthChecks } from './health.checks';

export const HEALTH_PATHS = ['/healthz', '/readyz', '/metrics'] as const;
export type HealthPath = (typeof HEALTH_PATHS)[number];

export interface HealthAnswer {
  status: number;
  contentType: string;
  body: string;
}

/** Answers the three paths. Never rejects. */
export type HealthHandler = (path: HealthPath) => Promise<HealthAnswer>;

const json = (status: number, body: object): HealthAnswer => ({
  status,
  contentType: 'application/json; charset=utf-8',
  body: JSON.stringify(body),
});

/**
 * Makes the one handler behind every binding.
 *
 * - `/healthz`: 200 `{status: 'ok'}` while the process can answer at all; looks at no dependency, or a restart of the
 *   database would restart every pod.
 * - `/readyz`: 200 `{status: 'ok', checks}`; 503 `{status: 'unavailable', checks}` when a check fails, and 503
 *   `{status: 'draining', checks: {}}` at once while the process stops.
 * - `/metrics`: the Prometheus text format.
 */
export function createHealthHandler(parts: {
  metrics: Pick<Metrics, 'text' | 'contentType'>;
  checks: HealthChecks;
  isDraining: () => boolean;
}): HealthHandler {
  const { metrics, checks, isDraining } = parts;
  return async (path) => {
    switch (path) {
      case '/healthz':
        return json(200, { status: 'ok' });
      case '/readyz': {
        if (isDraining()) return json(503, { status: 'draining', checks: {} });
        const { up, results } = await checks.run();
        return json(up ? 200 : 503, { status: up ? 'ok' : 'unavailable', checks: results });
      }
      case '/metrics':
        try {
          return { status: 200, contentType: metrics.contentType, body: await metrics.text() };
        } catch {
          // A gauge's source threw. The scraper sees its target fail; a stack is not for it.
          return { status: 500, contentType: 'text/plain; charset=utf-8', body: 'metrics failed\n' };
        }
    }
  };
}

/** Tells whether a request's path, query aside, is one of the three. */
export function healthPathOf(url: string): HealthPath | undefined {
  const path = url.split('?', 1)[0];
  return HEALTH_PATHS.find((known) => known === path);
}
