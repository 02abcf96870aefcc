import { type DynamicModule, Module } from '@nestjs/common';
import { throttled } from '@troupe/observability';
import { CLOCK, MESSAGE_BUS, PRESENCE_STORE } from '@troupe/ports';
import { LeaseSweeper } from './presence/lease.sweeper';
import { PresenceAnnouncer } from './presence/presence.announcer';
import { PresenceController } from './presence/presence.controller';
import {
  PRESENCE_LOGGER,
  PRESENCE_METRICS,
  PRESENCE_SETTINGS,
  type PresenceParts,
} from './presence/presence.parts';
import { SessionsService } from './presence/sessions.service';

/** While the store or the bus is away the same line would come with every message. */
const LOG_LINES_PER_SECOND = 10;

/** Who is online: takes in sessions, answers queries, announces changes, ends what dead gateways left. */
@Module({})
export class PresenceModule {
  static forRoot(parts: PresenceParts): DynamicModule {
    const logger = throttled(parts.logger.child({ part: 'presence' }), LOG_LINES_PER_SECOND);
    return {
      module: PresenceModule,
      controllers: [PresenceController],
      providers: [
        { provide: MESSAGE_BUS, useValue: parts.bus },
        { provide: PRESENCE_STORE, useValue: parts.store },
        { provide: CLOCK, useValue: parts.clock },
        { provide: PRESENCE_METRICS, useValue: parts.metrics },
        { provide: PRESENCE_SETTINGS, useValue: parts.settings },
        { provide: PRESENCE_LOGGER, useValue: logger },
        PresenceAnnouncer,
        SessionsService,
        LeaseSweeper,
      ],
    };
  }
}
