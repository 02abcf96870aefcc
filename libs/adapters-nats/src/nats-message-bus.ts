import { BusUnavailable } from '@troupe/ports';
import type { BusMessage, BusSubscription, MessageBus } from '@troupe/ports';
import type { Subject, SubjectPattern } from '@troupe/protocol';
import { withDefaults } from './nats-bus.options';
import type { NatsBusEvent, NatsBusOptions, NatsBusSettings } from './nats-bus.options';
import { NatsConnector } from './nats-connector';
import type { NatsLink } from './nats-link';
import { NatsSubscription } from './nats-subscription';
import { assertPattern, assertQueue, assertSubject } from './subject-guard';

/**
 * Opens the bus over NATS. Waits for a server and says so in `onEvent`; rejects when `firstConnectMs` have passed or
 * the server turns us away. Afterwards it reconnects for as long as it is open.
 */
export async function openNatsBus(options: NatsBusOptions): Promise<MessageBus> {
  const bus = new NatsMessageBus(options);
  await bus.start();
  return bus;
}

/**
 * The bus over core NATS. Illegal subjects and payloads over the server's limit throw a RangeError.
 * A request that was on its way when the connection ended rejects with `RequestTimeout`: nobody knows its outcome.
 */
class NatsMessageBus implements MessageBus {
  private readonly settings: NatsBusSettings;
  private readonly connector: NatsConnector;
  private readonly subscriptions = new Set<NatsSubscription>();
  private readonly listeners = new Set<(connected: boolean) => void>();
  private readonly stop = new AbortController();
  /** Carries subscriptions. */
  private link: NatsLink | undefined;
  /** The same once all subscriptions are in place; only then may anything be sent. */
  private ready: NatsLink | undefined;
  private closing: Promise<void> | undefined;

  constructor(private readonly options: NatsBusOptions) {
    this.settings = withDefaults(options);
    this.connector = new NatsConnector(this.settings, (event) => this.say(event));
  }

  async start(): Promise<void> {
    const { signal } = this.stop;
    const deadlineMs = this.settings.firstConnectMs;
    const link = await this.connector.connect({ deadlineMs, atOnce: true, signal });
    await this.adopt(link);
    this.keepConnected(link).catch((error: unknown) => this.fail(error));
  }

  get connected(): boolean {
    return this.ready !== undefined;
  }

  publish(subject: Subject, payload: Uint8Array, options?: { reply?: Subject }): void {
    const link = this.sendable();
    assertSubject(subject);
    const reply = options?.reply;
    if (reply !== undefined) assertSubject(reply);
    link.publish(subject, payload, reply);
  }

  subscribe(
    subject: SubjectPattern,
    handler: (message: BusMessage) => void,
    options?: { queue?: string },
  ): BusSubscription {
    assertPattern(subject);
    if (options?.queue !== undefined) assertQueue(options.queue);
    if (this.closing) throw new BusUnavailable('the bus is closed');
    const subscription = new NatsSubscription(subject, options?.queue, handler, {
      onHandlerError: this.options.onHandlerError,
      onRefused: (reason) => this.say({ event: 'refused', reason }),
      onUnsubscribed: (gone) => this.subscriptions.delete(gone),
    });
    this.subscriptions.add(subscription);
    this.link?.carry(subscription);
    return subscription;
  }

  async request(subject: Subject, payload: Uint8Array, options: { timeoutMs: number }): Promise<Uint8Array> {
    const link = this.sendable();
    assertSubject(subject);
    return link.request(subject, payload, options.timeoutMs);
  }

  onConnection(listener: (connected: boolean) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async flush(): Promise<void> {
    await this.sendable().flush();
  }

  close(): Promise<void> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  private sendable(): NatsLink {
    if (!this.ready) throw new BusUnavailable(this.closing ? 'the bus is closed' : 'the bus is disconnected');
    return this.ready;
  }

  /** Puts all subscriptions in place over a new connection; the server has them before anybody hears of it. */
  private async adopt(link: NatsLink): Promise<void> {
    this.link = link;
    try {
      for (const subscription of this.subscriptions) link.carry(subscription);
      await link.flush();
    } catch (error) {
      if (error instanceof BusUnavailable) return;
      throw error;
    }
    if (this.closing) return;
    this.say({ event: 'connected', server: link.server });
    this.ready = link;
    this.tell(true);
  }

  private async keepConnected(first: NatsLink): Promise<void> {
    for (let link = first; ;) {
      const reason = await link.closed;
      if (this.closing) return;
      this.lose(reason);
      const { signal } = this.stop;
      link = await this.connector.connect({ deadlineMs: Infinity, atOnce: false, signal });
      await this.adopt(link);
    }
  }

  private lose(reason: string): void {
    const wasReady = this.ready !== undefined;
    this.link = undefined;
    this.ready = undefined;
    this.say({ event: 'disconnected', reason });
    if (wasReady) this.tell(false);
  }

  private fail(error: unknown): void {
    if (this.closing) return;
    this.closing = Promise.resolve();
    this.options.onFatal(error instanceof Error ? error : new Error(String(error)));
  }

  private async shutDown(): Promise<void> {
    this.stop.abort();
    await this.link?.drain(this.settings.closeDeadlineMs);
    const wasReady = this.ready !== undefined;
    this.link = undefined;
    this.ready = undefined;
    this.subscriptions.clear();
    if (wasReady) this.tell(false);
  }

  private tell(connected: boolean): void {
    for (const listener of [...this.listeners]) this.guarded(() => listener(connected));
  }

  private say(event: NatsBusEvent): void {
    this.guarded(() => this.options.onEvent?.(event));
  }

  /** A listener that throws must not end the loop that brings the connection back. */
  private guarded(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.options.onHandlerError(error, 'connection');
    }
  }
}
