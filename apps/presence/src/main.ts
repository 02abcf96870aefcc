import 'reflect-metadata';
import { healthPortOf, parseSettings, requireUrls } from '@troupe/config';
import { createHealthHandler, createLogger, createMetrics, startHealthServer } from '@troupe/observability';
import { openPlatform, type RunningService, runService } from '@troupe/platform';
import { startPresence } from './bootstrap';

/** A presence pod, over NATS and Redis. */
async function start(): Promise<RunningService> {
  const settings = requireUrls(parseSettings(process.env), 'presence');
  const logger = createLogger({ service: 'presence', level: settings.logLevel });
  for (const warning of settings.warnings) logger.warn(warning);
  const metrics = createMetrics({ service: 'presence' });
  const needs = { service: 'presence', database: false, presence: true };
  const platform = await openPlatform(settings, { logger, metrics }, needs);
  const { bus, clock } = platform;
  const presence = await startPresence({ bus, clock, metrics, settings, logger, store: platform.presence() });
  const handler = createHealthHandler({
    metrics,
    checks: platform.checks,
    isDraining: () => platform.draining,
  });
  const port = healthPortOf(settings, 'presence') ?? 0;
  const health = await startHealthServer({ handler, host: settings.host, port });
  logger.info({ healthPort: health.port }, 'serving presence');
  return {
    logger,
    shutdownTimeoutMs: settings.shutdownTimeoutMs,
    stop: async () => {
      platform.draining = true;
      await presence.stop();
      await health.close();
      await platform.close();
    },
  };
}

void runService(start);
