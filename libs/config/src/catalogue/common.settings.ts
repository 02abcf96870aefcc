import { integer, optionalInteger } from '../integer.setting';
import { everyService } from '../setting';
import { choice, text } from '../text.setting';
import { url } from '../url.setting';

/** The value of DATA_DIR that keeps nothing: for tests and for trying things out. */
export const DATA_DIR_IN_MEMORY = ':memory:';

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Where a process listens, what it connects to, what it writes. */
export const commonSettings = {
  port: integer({
    meaning: 'Where the gateway listens for HTTP and WebSocket. 0 takes any free port.',
    usedBy: ['gateway'],
    unit: 'port',
    min: 0,
    max: 65_535,
    default: 3_000,
  }),
  host: text({
    meaning: 'The address that listeners bind to, PORT and HEALTH_PORT alike.',
    usedBy: everyService,
    pattern: /^[A-Za-z0-9.:_-]{1,253}$/,
    bounds: 'an IP address or a host name',
    default: '0.0.0.0',
  }),
  healthPort: optionalInteger({
    meaning:
      'Where /healthz, /readyz and /metrics are served. Unset: room-actor 3001, presence 3002; the gateway and standalone have them on PORT, and here too when set. 0 takes any free port.',
    usedBy: everyService,
    unit: 'port',
    min: 0,
    max: 65_535,
  }),
  natsUrl: url({
    meaning: 'The message bus between services. Unset: an in-process bus, standalone only.',
    usedBy: everyService,
    schemes: ['nats', 'tls'],
  }),
  redisUrl: url({
    meaning: 'Presence. Unset: kept in process, standalone only.',
    usedBy: ['presence'],
    schemes: ['redis', 'rediss'],
  }),
  databaseUrl: url({
    meaning: 'Accounts, rooms, messages and leases. Unset: PGlite under DATA_DIR, standalone only.',
    usedBy: ['gateway', 'room-actor'],
    schemes: ['postgres', 'postgresql'],
    hostParameter: true,
  }),
  dataDir: text({
    meaning: `The directory of the embedded database, for one process at a time; unused with DATABASE_URL. ${DATA_DIR_IN_MEMORY} keeps nothing.`,
    usedBy: ['standalone'],
    pattern: /^\P{Cc}{1,1024}$/u,
    bounds: 'a path',
    default: './data',
  }),
  logLevel: choice({
    meaning: 'The least severe log lines that are written.',
    usedBy: everyService,
    of: LOG_LEVELS,
    default: 'info',
  }),
  nodeEnv: choice({
    meaning: 'With production, demo data is refused.',
    usedBy: everyService,
    of: ['development', 'test', 'staging', 'production'],
    default: 'development',
  }),
  shutdownTimeoutMs: integer({
    meaning: 'How long a stopping process may take to hand over and drain before it exits anyway.',
    usedBy: everyService,
    unit: 'milliseconds',
    min: 100,
    max: 300_000,
    default: 15_000,
  }),
};
