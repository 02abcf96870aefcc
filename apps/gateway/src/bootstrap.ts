import type { DynamicModule, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { CustomTransportStrategy } from '@nestjs/microservices';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { NestLogger } from '@troupe/observability';
import type { Platform } from '@troupe/platform';
import { GatewayService } from './gateway.service';
import { createHttpAdapter } from './rest/http-adapter';
import { TroupeWsAdapter } from './ws/troupe-ws.adapter';

/** Makes the Nest application of whatever contains the gateway, and listens on PORT; with `server`, on the bus too. */
export async function listen(
  module: Type | DynamicModule,
  platform: Platform,
  server?: CustomTransportStrategy,
): Promise<{ app: NestFastifyApplication; sayGoodBye: () => Promise<void> }> {
  const { settings, logger, metrics } = platform;
  const app = await NestFactory.create<NestFastifyApplication>(
    module,
    createHttpAdapter(settings, metrics.rejected),
    { logger: new NestLogger(logger), abortOnError: false },
  );
  const gateway = app.get(GatewayService, { strict: false });
  const adapter = new TroupeWsAdapter(app, settings, (code) => metrics.rejected.inc({ code }));
  app.useWebSocketAdapter(adapter);
  if (server) {
    app.connectMicroservice({ strategy: server });
    await app.startAllMicroservices();
  }
  await app.listen(settings.port, settings.host);
  logger.info({ port: settings.port, mode: modeOf(platform) }, 'listening');
  const sayGoodBye = async (): Promise<void> => {
    adapter.stopAccepting();
    gateway.stop();
    // A socket that is destroyed right after its `bye` may lose it on the way.
    await adapter.drained(GOOD_BYE_MAX_MS);
  };
  return { app, sayGoodBye };
}

/** How long clients have to answer the close. */
const GOOD_BYE_MAX_MS = 1_000;

/** One word for each part: what is this process running on? */
function modeOf({ settings }: Platform): Record<string, string> {
  return {
    bus: settings.natsUrl === undefined ? 'in process' : 'nats',
    presence: settings.redisUrl === undefined ? 'in process' : 'redis',
    store: settings.databaseUrl === undefined ? `pglite in ${settings.dataDir}` : 'postgres',
  };
}
