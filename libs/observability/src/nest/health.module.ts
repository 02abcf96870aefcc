import { Controller, Get, Inject, Module, Res, type DynamicModule } from '@nestjs/common';
import type { HealthHandler, HealthPath } from '../health/health.handler';

export const HEALTH_HANDLER = Symbol('HealthHandler');

/** What Fastify's reply and Express's response have in common. */
interface Reply {
  status(code: number): unknown;
  header(name: string, value: string): unknown;
  send(body: Buffer): unknown;
}

/** The health paths in an app that listens anyway. A global prefix or guard has to let them through: probes have neither. */
@Controller()
export class HealthController {
  constructor(@Inject(HEALTH_HANDLER) private readonly handler: HealthHandler) {}

  @Get('healthz')
  healthz(@Res() reply: Reply): Promise<void> {
    return this.answer('/healthz', reply);
  }

  @Get('readyz')
  readyz(@Res() reply: Reply): Promise<void> {
    return this.answer('/readyz', reply);
  }

  @Get('metrics')
  metrics(@Res() reply: Reply): Promise<void> {
    return this.answer('/metrics', reply);
  }

  private async answer(path: HealthPath, reply: Reply): Promise<void> {
    const { status, contentType, body } = await this.handler(path);
    reply.status(status);
    reply.header('content-type', contentType);
    reply.header('cache-control', 'no-store');
    // Bytes, because both frameworks change the media type of a string.
    reply.send(Buffer.from(body));
  }
}

@Module({})
export class HealthModule {
  static register(handler: HealthHandler): DynamicModule {
    return {
      module: HealthModule,
      controllers: [HealthController],
      providers: [{ provide: HEALTH_HANDLER, useValue: handler }],
    };
  }
}
