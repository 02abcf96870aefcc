import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { Logger } from '@troupe/observability';
import {
  CLOCK,
  type Clock,
  MESSAGE_BUS,
  type MessageBus,
  PRESENCE_STORE,
  type PresenceStore,
} from '@troupe/ports';
import { PresenceAnnouncer } from './presence.announcer';
import { PRESENCE_LOGGER, PRESENCE_METRICS, PRESENCE_SETTINGS, type PresenceParts } from './presence.parts';

const SWEEP_MS_MAX = 1_000;

/**
 * Ends the sessions of gateways that no longer renew, every second (more often when a lease is shorter than 4 s).
 *
 * Every pod sweeps; the store gives each change to one of them. A pod that is off the bus does not, and not for one
 * lease after it is back: it cannot hear gateways renew, so their silence means nothing.
 */
@Injectable()
export class LeaseSweeper implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly leaseMs: number;
  private readonly stops: (() => void)[] = [];
  private sweeping: Promise<void> | null = null;
  private notBeforeMs = Number.NEGATIVE_INFINITY;

  constructor(
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(MESSAGE_BUS) private readonly bus: MessageBus,
    @Inject(PRESENCE_STORE) private readonly store: PresenceStore,
    @Inject(PresenceAnnouncer) private readonly announcer: PresenceAnnouncer,
    @Inject(PRESENCE_METRICS) private readonly metrics: PresenceParts['metrics'],
    @Inject(PRESENCE_SETTINGS) settings: PresenceParts['settings'],
    @Inject(PRESENCE_LOGGER) private readonly logger: Logger,
  ) {
    this.leaseMs = settings.presenceLeaseMs;
  }

  onApplicationBootstrap(): void {
    // Several sweeps fit into half a lease: a longer pause would make the store hold back (see `PresenceStore.expire`).
    const periodMs = Math.min(SWEEP_MS_MAX, Math.floor(this.leaseMs / 4));
    this.stops.push(
      this.clock.every(periodMs, () => {
        // One at a time: a slow store gets fewer sweeps, not more.
        this.sweeping ??= this.sweep().finally(() => (this.sweeping = null));
      }),
      this.bus.onConnection((connected) => {
        if (connected) this.notBeforeMs = this.clock.nowMs() + this.leaseMs;
      }),
    );
  }

  async onModuleDestroy(): Promise<void> {
    for (const stop of this.stops.splice(0)) stop();
    await this.sweeping;
  }

  /** Never rejects. */
  private async sweep(): Promise<void> {
    try {
      if (this.bus.connected && this.clock.nowMs() >= this.notBeforeMs) await this.expireAll();
      this.metrics.presenceOnlineUsers.set(await this.store.onlineUsers());
    } catch (error) {
      this.logger.warn({ err: error }, 'a sweep for dead gateways failed');
    }
  }

  private async expireAll(): Promise<void> {
    for (;;) {
      const ended = await this.store.expire({ leaseMs: this.leaseMs });
      if (ended.length === 0) return;
      this.announcer.announce(ended);
    }
  }
}
