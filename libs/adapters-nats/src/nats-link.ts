import { connect, DebugEvents, Events } from 'nats';
import type { NatsConnection, Status } from 'nats';
import type { Subject } from '@troupe/protocol';
import { toBusError } from './nats-errors';
import type { NatsBusSettings } from './nats-bus.options';
import type { NatsServer } from './nats-servers';
import type { NatsSubscription } from './nats-subscription';
import { PayloadCopier } from './payload-copier';
import { SendWindow } from './send-window';
import { greets } from './server-probe';

/** What a message takes on the wire beside payload and subject; also what keeps empty messages from being free. */
const MESSAGE_OVERHEAD_BYTES = 32;
const PINGS_OUT_MAX = 2;

/**
 * One connection to one server, from its greeting to its end. It does not come back: the bus makes a new one.
 *
 * The client's own reconnecting is off. On a half-open connection it first waits until the dead socket has taken its
 * last write, which can be a quarter of an hour; while trying it collects publishes without a bound and then drops them.
 */
export class NatsLink {
  /** Resolves when the connection is over, with the reason. Never rejects. */
  readonly closed: Promise<string>;
  private readonly window: SendWindow;
  private readonly copier = new PayloadCopier();

  private constructor(
    private readonly connection: NatsConnection,
    readonly server: string,
    pendingBytesMax: number,
    onRefused: (reason: string) => void,
  ) {
    this.window = new SendWindow(pendingBytesMax, () => connection.flush());
    this.closed = connection.closed().then((error) => error?.message ?? 'the connection was closed');
    this.watch(onRefused).catch(() => connection.close());
  }

  static async open(
    server: NatsServer,
    settings: NatsBusSettings,
    onRefused: (reason: string) => void,
  ): Promise<NatsLink> {
    await greets(server, settings.attemptMs);
    const connection = await connect({
      ...server.credentials,
      servers: `${server.host.includes(':') ? `[${server.host}]` : server.host}:${server.port}`,
      name: settings.name,
      timeout: settings.attemptMs,
      reconnect: false,
      // The operator's list is the truth; addresses that servers announce are often not reachable from here.
      ignoreClusterUpdates: true,
      pingInterval: settings.pingIntervalMs,
      maxPingOut: PINGS_OUT_MAX,
      noEcho: false,
      // The system's resolver knows /etc/hosts and search domains; the client's own asks DNS alone.
      resolve: false,
      // A stack trace for each request costs more than the request.
      noAsyncTraces: true,
    });
    return new NatsLink(connection, server.label, settings.pendingBytesMax, onRefused);
  }

  publish(subject: Subject, payload: Uint8Array, reply: Subject | undefined): void {
    this.window.take(payload.length + subject.length + MESSAGE_OVERHEAD_BYTES);
    try {
      const copy = this.copier.copy(payload);
      if (reply === undefined) this.connection.publish(subject, copy);
      else this.connection.publish(subject, copy, { reply });
    } catch (error) {
      throw toBusError(error);
    }
  }

  async request(subject: Subject, payload: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    this.window.take(payload.length + subject.length + MESSAGE_OVERHEAD_BYTES);
    try {
      const reply = await this.connection.request(subject, this.copier.copy(payload), {
        timeout: Math.max(1, timeoutMs),
      });
      return reply.data;
    } catch (error) {
      throw toBusError(error);
    }
  }

  /** Puts a subscription in place, unless the connection is over already. */
  carry(subscription: NatsSubscription): void {
    if (!this.connection.isClosed()) subscription.attach(this.connection);
  }

  async flush(): Promise<void> {
    try {
      await this.connection.flush();
    } catch (error) {
      throw toBusError(error);
    }
  }

  /** Unsubscribes everything, lets what has arrived be handled and what was sent arrive, then closes. */
  async drain(deadlineMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, deadlineMs);
    });
    try {
      if (!this.connection.isClosed()) await Promise.race([this.connection.drain(), late]);
    } finally {
      clearTimeout(timer);
      await this.connection.close();
    }
  }

  private async watch(onRefused: (reason: string) => void): Promise<void> {
    for await (const status of this.connection.status()) {
      // Closing destroys the socket at once; left alone, the client would wait for a write that cannot end.
      if (status.type === DebugEvents.StaleConnection) await this.connection.close();
      else if (status.type === Events.Error) onRefused(describe(status));
    }
  }
}

function describe(status: Status): string {
  const { permissionContext: denied } = status;
  return `${String(status.data)}${denied ? ` (${denied.operation} ${denied.subject})` : ''}`;
}
