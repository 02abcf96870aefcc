import type { Settings } from '@troupe/config';
import { MemoryMessageBus, MemoryPresenceStore, SystemClock, SystemIds } from '@troupe/adapters-memory';
import { openNatsBus } from '@troupe/adapters-nats';
import { type Database, openPglite, openPostgres } from '@troupe/adapters-postgres';
import { openRedisPresenceStore } from '@troupe/adapters-redis';
import { HealthChecks, type Logger, type Metrics, throttled } from '@troupe/observability';
import type { Clock, Ids, MessageBus, PresenceStore } from '@troupe/ports';

/** The outside world of one process, behind ports: which adapters stand there is decided here and nowhere else. */
export interface Platform {
  readonly settings: Settings;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly checks: HealthChecks;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly bus: MessageBus;
  /** Set while the process is going down: `/readyz` says so first. */
  draining: boolean;
  database(): Database;
  presence(): PresenceStore;
  close(): Promise<void>;
}

export interface PlatformNeeds {
  service: string;
  database: boolean;
  presence: boolean;
}

/** Leases of an embedded database: nobody else can have them, so they are renewed only now and then. */
const EMBEDDED_LEASES = { leaseTtlMs: 60_000, leaseRenewMs: 15_000, leasePollMs: 15_000 };

/**
 * Opens what a service needs: the URL's adapter where a URL is set, the embedded one where it is not.
 * Rejects when the embedded database is in use by another process, or its schema is newer than this program.
 */
export async function openPlatform(
  given: Settings,
  parts: { logger: Logger; metrics: Metrics },
  needs: PlatformNeeds,
): Promise<Platform> {
  const { logger, metrics } = parts;
  const settings = given.databaseUrl === undefined ? { ...given, ...EMBEDDED_LEASES } : given;
  const clock = new SystemClock();
  const checks = new HealthChecks();
  const closers: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const closer of closers) await closer();
  };
  const bus = await openBus(settings, needs.service, throttled(logger, 10));
  closers.unshift(() => bus.close());
  checks.register('bus', () => bus.connected);
  metrics.busConnected.from(() => (bus.connected ? 1 : 0));
  let database: Database | null = null;
  let presence: PresenceStore | null = null;
  try {
    if (needs.database) {
      const opened = await openDatabase(settings);
      database = opened;
      closers.unshift(() => opened.close());
      checks.register('store', () => opened.up());
      metrics.storeUp.from(() => (opened.up() ? 1 : 0));
    }
    if (needs.presence) {
      const opened = await openPresence(settings, clock, throttled(logger, 10));
      presence = opened;
      closers.unshift(() => opened.close());
      checks.register('presence', async () => (await opened.onlineUsers()) >= 0);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return {
    settings,
    logger,
    metrics,
    checks,
    clock,
    ids: new SystemIds(),
    bus,
    draining: false,
    database: () => required(database, 'database'),
    presence: () => required(presence, 'presence'),
    close,
  };
}

function openBus(settings: Settings, name: string, logger: Logger): Promise<MessageBus> | MessageBus {
  const onHandlerError = (error: unknown): void => logger.error({ err: error }, 'a bus handler failed');
  if (settings.natsUrl === undefined) return new MemoryMessageBus({ onHandlerError });
  return openNatsBus({
    url: settings.natsUrl,
    name: `troupe-${name}`,
    onHandlerError,
    onFatal: (error) => {
      logger.fatal({ err: error }, 'the bus is closed for good');
      process.exit(1);
    },
    onEvent: (event) => logger.info({ ...event }, 'bus'),
  });
}

/** Embedded, the schema is brought up to date by itself; a server's is a person's or a job's to change (`db:setup`). */
async function openDatabase(settings: Settings): Promise<Database> {
  if (settings.databaseUrl !== undefined) {
    return openPostgres({
      url: settings.databaseUrl,
      poolMax: settings.databasePoolMax,
      timeoutMs: settings.storeTimeoutMs,
    });
  }
  const database = await openPglite({ dataDir: settings.dataDir });
  await database.migrate();
  // The directory is locked: whatever owned partitions here was killed, and need not be waited for.
  await database.freeLeases();
  return database;
}

async function openPresence(settings: Settings, clock: Clock, logger: Logger): Promise<PresenceStore> {
  if (settings.redisUrl === undefined) return new MemoryPresenceStore(clock);
  return openRedisPresenceStore({
    url: settings.redisUrl,
    onError: (error) => logger.warn({ err: error }, 'redis'),
  });
}

function required<T>(part: T | null, name: string): T {
  if (part === null) throw new Error(`this service was started without its ${name}`);
  return part;
}
