import { type DynamicModule, Module, type Provider } from '@nestjs/common';
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
import type { Platform, PlatformNeeds } from '../platform';

/** Where the whole platform is injected, for composition roots. */
export const PLATFORM = Symbol('Platform');

/** Binds the ports to the adapters that a platform has opened; global. */
@Module({})
export class PlatformModule {
  static register(platform: Platform, needs: Pick<PlatformNeeds, 'database' | 'presence'>): DynamicModule {
    const providers: Provider[] = [
      { provide: PLATFORM, useValue: platform },
      { provide: MESSAGE_BUS, useValue: platform.bus },
      { provide: CLOCK, useValue: platform.clock },
      { provide: IDS, useValue: platform.ids },
    ];
    if (needs.database) {
      const { rooms, leases, accounts, directory } = platform.database();
      providers.push(
        { provide: ROOM_STORE, useValue: rooms },
        { provide: LEASE_STORE, useValue: leases },
        { provide: ACCOUNT_STORE, useValue: accounts },
        { provide: ROOM_DIRECTORY, useValue: directory },
      );
    }
    if (needs.presence) providers.push({ provide: PRESENCE_STORE, useValue: platform.presence() });
    return { module: PlatformModule, global: true, providers, exports: providers };
  }
}
