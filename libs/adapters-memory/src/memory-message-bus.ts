import { BusUnavailable, NoResponders, RequestTimeout } from '@troupe/ports';
import type { BusMessage, BusSubscription, Clock, MessageBus } from '@troupe/ports';
import type { Subject, SubjectPattern } from '@troupe/protocol';
import { MemoryBusHub } from './memory-bus-hub';
import { MemorySubscription } from './memory-subscription';
import { SystemClock } from './system-clock';

export interface MemoryMessageBusOptions {
  /** Told what a handler threw. */
  onHandlerError: (error: unknown, subject: string) => void;
  /** Several buses on one hub see each other's messages, as connections to one server do. Default: a hub of its own. */
  hub?: MemoryBusHub;
  /** For the timeouts of requests. */
  clock?: Clock;
}

let inboxes = 0;

/**
 * The bus within one process. It copies payloads and delivers later, in order, as a network would.
 * Everything that waits is bounded by the hub's limits; past them `publish` throws `BusUnavailable`.
 */
export class MemoryMessageBus implements MessageBus {
  private readonly hub: MemoryBusHub;
  private readonly clock: Clock;
  private readonly onHandlerError: (error: unknown, subject: string) => void;
  private readonly subscriptions = new Set<MemorySubscription>();
  private readonly listeners = new Set<(connected: boolean) => void>();
  private readonly waiting = new Set<(error: Error) => void>();
  private state: 'open' | 'cut' | 'draining' | 'closed' = 'open';
  private closing: Promise<void> | undefined;

  constructor(options: MemoryMessageBusOptions) {
    this.hub = options.hub ?? new MemoryBusHub();
    this.clock = options.clock ?? new SystemClock();
    this.onHandlerError = options.onHandlerError;
  }

  get connected(): boolean {
    return this.state === 'open' || this.state === 'draining';
  }

  publish(subject: Subject, payload: Uint8Array, options?: { reply?: Subject }): void {
    if (!this.connected) throw new BusUnavailable(`the bus is ${this.state}`);
    this.hub.publish(subject, payload, options?.reply);
  }

  subscribe(
    subject: SubjectPattern,
    handler: (message: BusMessage) => void,
    options?: { queue?: string },
  ): BusSubscription {
    if (this.state === 'draining' || this.state === 'closed') {
      throw new BusUnavailable(`the bus is ${this.state}`);
    }
    const subscription = new MemorySubscription(this.hub, {
      pattern: subject,
      queue: options?.queue,
      handler,
      onHandlerError: this.onHandlerError,
    });
    this.subscriptions.add(subscription);
    if (this.state === 'open') subscription.connect();
    return {
      unsubscribe: () => {
        subscription.disconnect();
        this.subscriptions.delete(subscription);
      },
    };
  }

  request(subject: Subject, payload: Uint8Array, options: { timeoutMs: number }): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const inbox = `_INBOX.memory.${++inboxes}` as Subject;
      const settle = (action: () => void): void => {
        cancel();
        subscription.unsubscribe();
        this.waiting.delete(fail);
        action();
      };
      const fail = (error: Error): void => settle(() => reject(error));
      const cancel = this.clock.after(options.timeoutMs, () =>
        fail(new RequestTimeout(`no reply within ${options.timeoutMs} ms`)),
      );
      const subscription = this.subscribeOrCancel(inbox, cancel, (message) => {
        if (message.noResponders) fail(new NoResponders('nobody subscribes to the subject'));
        else settle(() => resolve(message.payload));
      });
      this.waiting.add(fail);
      try {
        this.publish(subject, payload, { reply: inbox });
      } catch (error) {
        settle(() => reject(error as Error));
      }
    });
  }

  onConnection(listener: (connected: boolean) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async flush(): Promise<void> {
    // The hub is in this process: what was published is there already.
    if (!this.connected) throw new BusUnavailable(`the bus is ${this.state}`);
  }

  close(): Promise<void> {
    this.closing ??= this.drainAndClose();
    return this.closing;
  }

  /** Loses the connection, as a network fault would: what waits for this bus is lost, others notice nothing. */
  cut(): void {
    if (this.state !== 'open') return;
    for (const subscription of this.subscriptions) subscription.disconnect();
    this.failWaiting();
    this.enter('cut');
  }

  /** Ends a {@link cut}: subscriptions are back before listeners hear of it. */
  heal(): void {
    if (this.state !== 'cut') return;
    for (const subscription of this.subscriptions) subscription.connect();
    this.enter('open');
  }

  private subscribeOrCancel(
    inbox: Subject,
    cancel: () => void,
    handler: (message: BusMessage) => void,
  ): BusSubscription {
    try {
      return this.subscribe(inbox, handler);
    } catch (error) {
      cancel();
      throw error;
    }
  }

  private async drainAndClose(): Promise<void> {
    if (this.state === 'open') {
      this.state = 'draining';
      for (const subscription of this.subscriptions) subscription.stopTaking();
      await new Promise<void>((resolve) => this.hub.afterWaiting(resolve));
    }
    for (const subscription of this.subscriptions) subscription.disconnect();
    this.subscriptions.clear();
    this.failWaiting();
    this.enter('closed');
  }

  private failWaiting(): void {
    for (const fail of [...this.waiting])
      fail(new RequestTimeout('the connection ended before a reply came'));
  }

  private enter(state: 'open' | 'cut' | 'closed'): void {
    const before = this.connected;
    this.state = state;
    if (this.connected === before) return;
    for (const listener of [...this.listeners]) listener(this.connected);
  }
}
