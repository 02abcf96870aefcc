import { Controller, Inject } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { BusEvent, BusRequest } from '@troupe/nest-bus';
import { PRESENCE_STORE, PresenceUnavailable, type PresenceStore } from '@troupe/ports';
import {
  parsePresenceQuery,
  parseSessionsMessage,
  type PresenceReply,
  subjects,
  TroupeError,
} from '@troupe/protocol';
import { SessionsService } from './sessions.service';

/** The pods of the service share its messages. */
const QUEUE = 'presence';

/** The service's subjects. */
@Controller()
export class PresenceController {
  constructor(
    @Inject(SessionsService) private readonly sessions: SessionsService,
    @Inject(PRESENCE_STORE) private readonly store: PresenceStore,
  ) {}

  // What waits is at most 500 × 256 KiB = 128 MiB, and usually a hundredth of it; more is found missing and restored.
  @BusEvent(subjects.sessions, { queue: QUEUE, concurrency: 32, waitingMax: 500 })
  async onSessions(@Payload() value: unknown): Promise<void> {
    const message = parseSessionsMessage(value);
    if (!message) throw new TroupeError('bad_request', 'not a message about sessions');
    await this.sessions.take(message);
  }

  @BusRequest(subjects.presenceQuery, { queue: QUEUE, payloadBytesMax: 32_768 })
  async onQuery(@Payload() value: unknown): Promise<PresenceReply> {
    const query = parsePresenceQuery(value);
    if (!query) throw new TroupeError('bad_request', 'not a presence query');
    try {
      return { users: await this.store.query(query.users) };
    } catch (error) {
      if (!(error instanceof PresenceUnavailable)) throw error;
      throw new TroupeError('unavailable', 'presence is unavailable');
    }
  }
}
