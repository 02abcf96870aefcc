import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import { BusServer } from '@troupe/nest-bus';
import { NestLogger, throttled } from '@troupe/observability';
import { PresenceModule } from './presence.module';
import type { PresenceParts } from './presence/presence.parts';

export type { PresenceParts };

export interface RunningPresence {
  /** Takes no more messages and finishes those in flight; the parts stay open. Idempotent. */
  stop(): Promise<void>;
}

/** Starts the service on its parts: over NATS and Redis in a pod of its own, in process in standalone. */
export async function startPresence(parts: PresenceParts): Promise<RunningPresence> {
  const errors = throttled(parts.logger.child({ part: 'presence' }), 10);
  const server = new BusServer({
    bus: parts.bus,
    clock: parts.clock,
    onError: (error, subject) => errors.warn({ err: error, subject }, 'a message was not handled'),
  });
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(PresenceModule.forRoot(parts), {
    strategy: server,
    logger: new NestLogger(parts.logger),
    abortOnError: false,
  });
  await app.listen();
  let stopped: Promise<void> | null = null;
  return { stop: () => (stopped ??= app.close()) };
}
