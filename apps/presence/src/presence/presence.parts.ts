import type { Settings } from '@troupe/config';
import type { Logger, Metrics } from '@troupe/observability';
import type { Clock, MessageBus, PresenceStore } from '@troupe/ports';

/** What the presence service is made of; whoever starts it chooses the adapters and closes them afterwards. */
export interface PresenceParts {
  bus: MessageBus;
  store: PresenceStore;
  clock: Clock;
  metrics: Pick<Metrics, 'presenceOnlineUsers' | 'presenceTransitions'>;
  settings: Pick<Settings, 'presenceLeaseMs'>;
  logger: Logger;
}

/** Where the parts that are no port are injected. */
export const PRESENCE_METRICS = Symbol('PresenceMetrics');
export const PRESENCE_SETTINGS = Symbol('PresenceSettings');
export const PRESENCE_LOGGER = Symbol('PresenceLogger');
