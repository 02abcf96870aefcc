import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { parseSettings, requireUrls } from '@troupe/config';
import { createHealthHandler, createLogger, createMetrics, startHealthServer } from '@troupe/observability';
import { PlatformModule, type RunningService, openPlatform, runService } from '@troupe/platform';
import { listen } from './bootstrap';
import { GatewayModule } from './gateway.module';

@Module({})
class GatewayApp {}

/** The gateway alone: sockets and HTTP, over NATS and Postgres. */
async function start(): Promise<RunningService> {
  const settings = requireUrls(parseSettings(process.env), 'gateway');
  const logger = createLogger({ service: 'gateway', level: settings.logLevel });
  for (const warning of settings.warnings) logger.warn(warning);
  const metrics = createMetrics({ service: 'gateway' });
  const needs = { service: 'gateway', database: true, presence: false };
  const platform = await openPlatform(settings, { logger, metrics }, needs);
  const { app, sayGoodBye } = await listen(
    {
      module: GatewayApp,
      imports: [PlatformModule.register(platform, needs), GatewayModule.register(platform)],
    },
    platform,
  );
  const handler = createHealthHandler({
    metrics,
    checks: platform.checks,
    isDraining: () => platform.draining,
  });
  const { healthPort, host } = settings;
  const health =
    healthPort === undefined ? null : await startHealthServer({ handler, host, port: healthPort });
  return {
    logger,
    shutdownTimeoutMs: settings.shutdownTimeoutMs,
    stop: async () => {
      platform.draining = true;
      await sayGoodBye();
      await app.close();
      await health?.close();
      await platform.close();
    },
  };
}

void runService(start);
