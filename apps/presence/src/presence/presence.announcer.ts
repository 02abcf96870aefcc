import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from '@troupe/observability';
import { MESSAGE_BUS, type MessageBus } from '@troupe/ports';
import { encodePresenceNotice, type PresenceRecord, subjects } from '@troupe/protocol';
import { PRESENCE_LOGGER, PRESENCE_METRICS, type PresenceParts } from './presence.parts';

/**
 * Tells watchers of status changes, one message per change on the user's own subject.
 *
 * The store gives each change to one pod; if the bus is away just then, watchers miss it. They ask again when they
 * are back on the bus, as after any interruption.
 */
@Injectable()
export class PresenceAnnouncer {
  constructor(
    @Inject(MESSAGE_BUS) private readonly bus: MessageBus,
    @Inject(PRESENCE_METRICS) private readonly metrics: PresenceParts['metrics'],
    @Inject(PRESENCE_LOGGER) private readonly logger: Logger,
  ) {}

  announce(changed: readonly PresenceRecord[]): void {
    let untold = 0;
    let reason: unknown;
    for (const record of changed) {
      this.metrics.presenceTransitions.inc({ to: record.status });
      try {
        this.bus.publish(subjects.presence(record.user), encodePresenceNotice(record));
      } catch (error) {
        untold += 1;
        reason = error;
      }
    }
    if (untold > 0) this.logger.warn({ err: reason, untold }, 'status changes were not told');
  }
}
