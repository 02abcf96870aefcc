import { Inject, Injectable } from '@nestjs/common';
import { MESSAGE_BUS, type MessageBus, PRESENCE_STORE, type PresenceStore } from '@troupe/ports';
import { type SessionsMessage, subjects } from '@troupe/protocol';
import { PresenceAnnouncer } from './presence.announcer';
import { PRESENCE_SETTINGS, type PresenceParts } from './presence.parts';

/**
 * Takes in what gateways say of their sessions.
 *
 * Messages come through a queue group, so those of one gateway may be handled by several pods at once, in any order;
 * the store puts that right by the batches' numbers. Nothing is tried again here: what was not applied is a missing
 * batch, which the gateway's next signs of life show, and then it is asked for everything.
 */
@Injectable()
export class SessionsService {
  constructor(
    @Inject(MESSAGE_BUS) private readonly bus: MessageBus,
    @Inject(PRESENCE_STORE) private readonly store: PresenceStore,
    @Inject(PRESENCE_SETTINGS) private readonly settings: PresenceParts['settings'],
    @Inject(PresenceAnnouncer) private readonly announcer: PresenceAnnouncer,
  ) {}

  /** Rejects with `PresenceUnavailable`. */
  async take(message: SessionsMessage): Promise<void> {
    const leaseMs = this.settings.presenceLeaseMs;
    const { gateway, seq } = message;
    switch (message.t) {
      case 'changes':
        this.announcer.announce(await this.store.apply(gateway, message.changes, { leaseMs, seq }));
        return;
      case 'restore': {
        const { part, parts } = message;
        const options = { leaseMs, seq, part, parts };
        this.announcer.announce(await this.store.restore(gateway, message.sessions, options));
        return;
      }
      case 'alive':
        if (await this.store.renew(gateway, { leaseMs, seq })) return;
        this.bus.publish(subjects.sessionsWanted(gateway), Buffer.from('{}'));
        return;
    }
  }
}
