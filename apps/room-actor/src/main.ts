import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { healthPortOf, parseSettings, requireUrls } from '@troupe/config';
import {
  NestLogger,
  createHealthHandler,
  createLogger,
  createMetrics,
  startHealthServer,
} from '@troupe/observability';
import { BusServer } from '@troupe/nest-bus';
import { PlatformModule, type RunningService, openPlatform, runService } from '@troupe/platform';
import { RoomActorModule, RoomActorService } from './room-actor.module';

@Module({})
class RoomActorApp {}

/** A room-actor pod: hosts partitions under leases, over NATS and Postgres. */
async function start(): Promise<RunningService> {
  const settings = requireUrls(parseSettings(process.env), 'room-actor');
  const logger = createLogger({ service: 'room-actor', level: settings.logLevel });
  for (const warning of settings.warnings) logger.warn(warning);
  const metrics = createMetrics({ service: 'room-actor' });
  const needs = { service: 'room-actor', database: true, presence: false };
  const platform = await openPlatform(settings, { logger, metrics }, needs);
  const imports = [PlatformModule.register(platform, needs), RoomActorModule];
  const { bus, clock } = platform;
  const app = await NestFactory.createMicroservice(
    { module: RoomActorApp, imports },
    {
      strategy: new BusServer({ bus, clock, onError: (err) => logger.error({ err }, 'a request failed') }),
      logger: new NestLogger(logger),
      abortOnError: false,
    },
  );
  await app.listen();
  const rooms = app.get(RoomActorService);
  const handler = createHealthHandler({
    metrics,
    checks: platform.checks,
    isDraining: () => platform.draining,
  });
  const port = healthPortOf(settings, 'room-actor') ?? 0;
  const health = await startHealthServer({ handler, host: settings.host, port });
  logger.info({ healthPort: health.port, pod: rooms.host.pod }, 'serving rooms');
  return {
    logger,
    shutdownTimeoutMs: settings.shutdownTimeoutMs,
    stop: async () => {
      platform.draining = true;
      await rooms.stop();
      await app.close();
      await health.close();
      await platform.close();
    },
  };
}

void runService(start);
