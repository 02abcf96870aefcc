import { Inject, Injectable, Module, type OnApplicationBootstrap } from '@nestjs/common';
import { SigningKeys, TokenVerifier } from '@troupe/people';
import { throttled } from '@troupe/observability';
import { PLATFORM, type Platform } from '@troupe/platform';
import { RoomHost } from './hosting/room-host';
import { hostMetrics, watchHost } from './wiring/host-metrics';
import { hostSettings } from './wiring/host-settings';
import { PublicPublish } from './wiring/public-publish';
import { PublicPublishController } from './wiring/public-publish.controller';

const LOG_LINES_PER_SECOND = 5;

/** Starts and stops the rooms of this pod. */
@Injectable()
export class RoomActorService implements OnApplicationBootstrap {
  readonly host: RoomHost;
  readonly publish: PublicPublish;
  private stopped: Promise<void> | null = null;

  constructor(@Inject(PLATFORM) platform: Platform) {
    const { bus, clock, ids, metrics, settings } = platform;
    const { rooms, leases, accounts } = platform.database();
    // In an outage every commit, load and renewal fails.
    const logger = throttled(platform.logger.child({ part: 'room-actor' }), LOG_LINES_PER_SECOND);
    const onError = (error: unknown): void => logger.error({ err: error }, 'room host');
    this.host = new RoomHost(
      ids.uuid(),
      { bus, rooms, leases, clock, metrics: hostMetrics(metrics), onError },
      hostSettings(settings),
    );
    watchHost(metrics, this.host);
    this.publish = new PublicPublish(
      platform,
      new TokenVerifier(new SigningKeys(accounts)),
      settings.publishDeadlineMs,
    );
  }

  onApplicationBootstrap(): void {
    this.host.start();
    this.publish.start();
  }

  /** Gives the partitions to the other pods. Idempotent; before the bus closes. */
  stop(): Promise<void> {
    this.stopped ??= this.host.stop().then(() => this.publish.stop());
    return this.stopped;
  }
}

@Module({
  controllers: [PublicPublishController],
  providers: [
    RoomActorService,
    {
      provide: PublicPublish,
      useFactory: (rooms: RoomActorService) => rooms.publish,
      inject: [RoomActorService],
    },
  ],
  exports: [RoomActorService],
})
export class RoomActorModule {}
