import { setTimeout as pause } from 'node:timers/promises';
import { isRejection } from './nats-errors';
import type { NatsBusEvent, NatsBusSettings } from './nats-bus.options';
import { NatsLink } from './nats-link';
import { parseServers } from './nats-servers';
import type { NatsServer } from './nats-servers';

/** After so many rejections in a row the credentials are taken to be wrong. */
const REJECTIONS_MAX = 2;

/** Finds a server that takes the connection, however long that takes. */
export class NatsConnector {
  private readonly servers: NatsServer[];
  private next = 0;

  constructor(
    private readonly settings: NatsBusSettings,
    private readonly onEvent: (event: NatsBusEvent) => void,
  ) {
    this.servers = parseServers(settings.url);
    // Pods that start together shall not all choose the same server.
    this.next = Math.floor(Math.random() * this.servers.length);
  }

  /**
   * Tries the servers in turn, with a pause before each attempt but the first of a start.
   * Rejects when `deadlineMs` has passed, when the servers turn us away, or when `signal` aborts.
   */
  async connect(options: { deadlineMs: number; atOnce: boolean; signal: AbortSignal }): Promise<NatsLink> {
    const startMs = performance.now();
    let rejections = 0;
    for (let attempt = 1; ; attempt++) {
      if (attempt > 1 || !options.atOnce) await pause(this.waitMs(), undefined, { signal: options.signal });
      const server = this.servers[this.next++ % this.servers.length]!;
      try {
        return await this.attempt(server, options.signal);
      } catch (error) {
        options.signal.throwIfAborted();
        rejections = isRejection(error) ? rejections + 1 : 0;
        const reason = `${server.label}: ${describe(error)}`;
        if (rejections >= REJECTIONS_MAX) throw new Error(`rejected by ${reason}`, { cause: error });
        if (performance.now() - startMs >= options.deadlineMs) {
          throw new Error(`no NATS server within ${options.deadlineMs} ms; ${reason}`, { cause: error });
        }
        this.onEvent({ event: 'waiting', attempt, reason });
      }
    }
  }

  private async attempt(server: NatsServer, signal: AbortSignal): Promise<NatsLink> {
    const link = await NatsLink.open(server, this.settings, (reason) =>
      this.onEvent({ event: 'refused', reason }),
    );
    if (!signal.aborted) return link;
    await link.drain(0);
    throw signal.reason;
  }

  private waitMs(): number {
    return this.settings.reconnectWaitMs + Math.random() * this.settings.reconnectJitterMs;
  }
}

/** Node reports several refused addresses as one error without a message. */
function describe(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(describe).join(', ');
  return error instanceof Error ? error.message : String(error);
}
