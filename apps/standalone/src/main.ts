import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { parseSettings } from '@troupe/config';
import { seedDatabase } from '@troupe/adapters-postgres';
import { createHealthHandler, createLogger, createMetrics, startHealthServer } from '@troupe/observability';
import { BusServer } from '@troupe/nest-bus';
import { PasswordHasher } from '@troupe/people';
import { PlatformModule, type RunningService, openPlatform, runService } from '@troupe/platform';
import { listen } from '../../gateway/src/bootstrap';
import { GatewayModule } from '../../gateway/src/gateway.module';
import { PresenceModule } from '../../presence/src/presence.module';
import { RoomActorModule, RoomActorService } from '../../room-actor/src/room-actor.module';

@Module({})
class StandaloneApp {}

/** All services in one process: the same modules as the pods, over the embedded adapters where no URL is set. */
async function start(): Promise<RunningService> {
  const settings = parseSettings(process.env);
  const logger = createLogger({ service: 'standalone', level: settings.logLevel });
  for (const warning of settings.warnings) logger.warn(warning);
  const metrics = createMetrics({ service: 'standalone' });
  const needs = { service: 'standalone', database: true, presence: true };
  const platform = await openPlatform(settings, { logger, metrics }, needs);
  if (settings.nodeEnv !== 'production') {
    const hasher = new PasswordHasher({
      concurrency: settings.argon2Concurrency,
      queueMax: settings.argon2QueueMax,
    });
    await seedDatabase(platform.database(), {
      hashPassword: (p) => hasher.hash(p),
      environment: settings.nodeEnv,
    });
  }
  const { bus, clock } = platform;
  const { app, sayGoodBye } = await listen(
    {
      module: StandaloneApp,
      imports: [
        PlatformModule.register(platform, needs),
        GatewayModule.register(platform),
        RoomActorModule,
        PresenceModule.forRoot({ bus, clock, metrics, settings, logger, store: platform.presence() }),
      ],
    },
    platform,
    new BusServer({ bus, clock, onError: (err) => logger.error({ err }, 'a request failed') }),
  );
  const rooms = app.get(RoomActorService, { strict: false });
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
      await rooms.stop();
      await app.close();
      await health?.close();
      await platform.close();
    },
  };
}

void runService(start);
