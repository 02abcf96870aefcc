import type { Provider } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { parseSettings } from '@troupe/config';
import { createLogger, createMetrics } from '@troupe/observability';
import {
  ACCOUNT_STORE,
  CLOCK,
  IDS,
  LEASE_STORE,
  MESSAGE_BUS,
  PRESENCE_STORE,
  ROOM_DIRECTORY,
  ROOM_STORE,
} from '@troupe/ports';
import { type Platform, openPlatform } from '../platform';
import { PLATFORM, PlatformModule } from './platform.module';

describe('the platform module', () => {
  let platform: Platform;
  beforeAll(async () => {
    platform = await openPlatform(
      { ...parseSettings({}), dataDir: ':memory:' },
      {
        logger: createLogger({ service: 'test', level: 'silent' }),
        metrics: createMetrics({ service: 'test' }),
      },
      { service: 'test', database: true, presence: true },
    );
  }, 30_000);
  afterAll(() => platform.close());

  const tokensOf = (providers: Provider[] = []): unknown[] =>
    providers.map((provider) => (typeof provider === 'function' ? provider : provider.provide));

  it('binds each port to what the platform has opened', async () => {
    const imported = PlatformModule.register(platform, { database: true, presence: true });
    const module = await Test.createTestingModule({ imports: [imported] }).compile();
    const { rooms, leases, accounts, directory } = platform.database();
    const bound = new Map<symbol, unknown>([
      [PLATFORM, platform],
      [MESSAGE_BUS, platform.bus],
      [CLOCK, platform.clock],
      [IDS, platform.ids],
      [ROOM_STORE, rooms],
      [LEASE_STORE, leases],
      [ACCOUNT_STORE, accounts],
      [ROOM_DIRECTORY, directory],
      [PRESENCE_STORE, platform.presence()],
    ]);
    for (const [token, value] of bound) expect(module.get(token, { strict: false })).toBe(value);
    expect(new Set(tokensOf(imported.providers))).toEqual(new Set(bound.keys()));
    await module.close();
  });

  it('binds no store to a service that has none', () => {
    const { providers } = PlatformModule.register(platform, { database: false, presence: false });
    expect(tokensOf(providers)).toEqual([PLATFORM, MESSAGE_BUS, CLOCK, IDS]);
  });
});
