import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPglite } from '@troupe/adapters-postgres';
import { type Settings, parseSettings } from '@troupe/config';
import { createLogger, createMetrics } from '@troupe/observability';
import { type Platform, openPlatform } from './platform';

const logger = createLogger({ service: 'test', level: 'silent' });
const ALL = { service: 'test', database: true, presence: true };
const NONE = { service: 'test', database: false, presence: false };

const settings = (changes: Partial<Settings> = {}): Settings => ({
  ...parseSettings({}),
  dataDir: ':memory:',
  ...changes,
});

describe('a platform over the embedded parts', () => {
  const metrics = createMetrics({ service: 'test' });
  let platform: Platform;
  beforeAll(async () => {
    platform = await openPlatform(settings(), { logger, metrics }, ALL);
  }, 30_000);
  afterAll(() => platform.close());

  it('is ready: all of its parts answer', async () => {
    const results = { bus: 'up', store: 'up', presence: 'up' };
    expect(await platform.checks.run()).toEqual({ up: true, results });
    expect(metrics.busConnected.value).toBe(1);
    expect(metrics.storeUp.value).toBe(1);
  });

  it('has a database with the schema, whose partitions are free', async () => {
    const { leases, accounts } = platform.database();
    expect(await accounts.user('nobody')).toBeNull();
    expect(await leases.acquire('pod', { max: 1_000, ttlMs: 1_000 })).toHaveLength(256);
  });

  it('keeps presence', async () => {
    expect(await platform.presence().onlineUsers()).toBe(0);
  });

  it('leaves leases alone for a long time, as nobody else can have them', () => {
    expect(platform.settings.leaseTtlMs).toBeGreaterThanOrEqual(60_000);
    expect(platform.settings.leaseRenewMs * 3).toBeLessThan(platform.settings.leaseTtlMs);
  });
});

describe('a platform without a database or presence', () => {
  it('opens neither, and says so to who asks', async () => {
    const metrics = createMetrics({ service: 'test' });
    const platform = await openPlatform(settings(), { logger, metrics }, NONE);
    expect(() => platform.database()).toThrow('started without its database');
    expect(() => platform.presence()).toThrow('started without its presence');
    expect(metrics.storeUp.known).toBe(false);
    expect(await platform.checks.run()).toEqual({ up: true, results: { bus: 'up' } });
    await platform.close();
    expect(platform.bus.connected).toBe(false);
    expect(metrics.busConnected.value).toBe(0);
  });
});

describe('a platform in a directory', () => {
  it('is refused while another has it, and then leaves nothing open', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'troupe-platform-'));
    const held = await openPglite({ dataDir });
    const metrics = createMetrics({ service: 'test' });
    const second = openPlatform(settings({ dataDir }), { logger, metrics }, ALL);
    await expect(second).rejects.toMatchObject({ name: 'DirectoryLocked' });
    expect(metrics.busConnected.value).toBe(0);
    await held.close();
    rmSync(dataDir, { recursive: true, force: true });
  }, 30_000);
});
