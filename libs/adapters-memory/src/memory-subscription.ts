import type { BusMessage } from '@troupe/ports';
import type { HubTarget, MemoryBusHub } from './memory-bus-hub';

export interface MemorySubscriptionOptions {
  pattern: string;
  queue: string | undefined;
  handler: (message: BusMessage) => void;
  onHandlerError: (error: unknown, subject: string) => void;
}

/** One subscription of one in-process bus, which may lose its hub and find it again. */
export class MemorySubscription {
  private target: HubTarget | undefined;

  constructor(
    private readonly hub: MemoryBusHub,
    private readonly options: MemorySubscriptionOptions,
  ) {}

  connect(): void {
    if (this.target) return;
    // A new target each time, so that what waited before a cut is not delivered after it.
    this.target = new SubscriptionTarget(this.options);
    this.hub.add(this.target);
  }

  /** Takes nothing new; what waits is still delivered. */
  stopTaking(): void {
    if (this.target) this.hub.remove(this.target);
  }

  /** Delivers nothing more, whatever waits. */
  disconnect(): void {
    if (!this.target) return;
    this.target.active = false;
    this.hub.remove(this.target);
    this.target = undefined;
  }
}

class SubscriptionTarget implements HubTarget {
  active = true;
  readonly pattern: string;
  readonly queue: string | undefined;
  private readonly handler: (message: BusMessage) => void;
  private readonly onHandlerError: (error: unknown, subject: string) => void;

  constructor(options: MemorySubscriptionOptions) {
    this.pattern = options.pattern;
    this.queue = options.queue;
    this.handler = options.handler;
    this.onHandlerError = options.onHandlerError;
  }

  deliver(message: BusMessage): void {
    try {
      this.handler(message);
    } catch (error) {
      this.report(error, message.subject);
    }
  }

  private report(error: unknown, subject: string): void {
    try {
      this.onHandlerError(error, subject);
    } catch (second) {
      // The reporter is broken: let that be seen as an uncaught exception, but not by the other subscribers.
      setImmediate(() => {
        throw second;
      });
    }
  }
}
