import { type DynamicModule, Global, Module } from '@nestjs/common';
import { HealthModule, createHealthHandler } from '@troupe/observability';
import { PRESENCE_QUERY, ROOM_GATE } from '@troupe/people';
import type { Platform } from '@troupe/platform';
import { AuthModule } from './auth/auth.module';
import { DemoPageController } from './demo/demo-page.controller';
import { EdgeService } from './edge/edge.service';
import { GatewayService } from './gateway.service';
import { RestModule } from './rest/rest.module';
import { PresenceReporter } from './session/presence-reporter';
import { MessagingGateway } from './ws/messaging.gateway';

/** This gateway's way to the actors and to presence, for the HTTP and the WebSocket side. */
@Global()
@Module({})
class EdgeModule {
  static register(platform: Platform): DynamicModule {
    const { bus, clock, settings } = platform;
    const database = platform.database();
    const edge = new EdgeService({ ...platform, storeDown: () => !database.up() }, settings);
    const presence = new PresenceReporter(edge.id, bus, clock, settings.presenceRenewMs);
    const providers = [
      { provide: EdgeService, useValue: edge },
      { provide: ROOM_GATE, useValue: edge },
      { provide: PresenceReporter, useValue: presence },
      { provide: PRESENCE_QUERY, useValue: presence },
    ];
    return { module: EdgeModule, global: true, providers, exports: providers };
  }
}

/** The gateway, over a platform that is bound globally by `PlatformModule`. */
@Module({})
export class GatewayModule {
  static register(platform: Platform): DynamicModule {
    const { settings, metrics, checks } = platform;
    const health = createHealthHandler({ metrics, checks, isDraining: () => platform.draining });
    return {
      module: GatewayModule,
      imports: [
        EdgeModule.register(platform),
        AuthModule.register({ settings }),
        RestModule.register({ rejections: metrics.rejected }),
        HealthModule.register(health),
      ],
      controllers: [DemoPageController],
      providers: [GatewayService, MessagingGateway],
      exports: [GatewayService],
    };
  }
}
