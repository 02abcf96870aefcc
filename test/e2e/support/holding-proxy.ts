import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

interface Pair {
  client: Socket;
  server: Socket;
}

/**
 * A link to a server that can be held: bytes stay on the way until it is released, then arrive as they were sent.
 * A process behind it is neither dead nor cut off; it is late, as after a long pause of the network.
 */
export class HoldingProxy {
  private readonly pairs = new Set<Pair>();
  private held: { requests: boolean; answers: boolean } = { requests: false, answers: false };

  private constructor(
    private readonly listener: Server,
    readonly port: number,
    target: { host: string; port: number },
  ) {
    listener.on('connection', (client) => this.link(client, target));
  }

  static async start(target: { host: string; port: number }): Promise<HoldingProxy> {
    const listener = createServer();
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    return new HoldingProxy(listener, (listener.address() as AddressInfo).port, target);
  }

  /** Lets nothing more through in one direction; new connections are held too. */
  hold(direction: 'requests' | 'answers'): void {
    this.held = { ...this.held, [direction]: true };
    for (const pair of this.pairs) this.apply(pair);
  }

  /** Lets everything through that was held, and what comes. */
  release(): void {
    this.held = { requests: false, answers: false };
    for (const pair of this.pairs) this.apply(pair);
  }

  async stop(): Promise<void> {
    for (const { client, server } of this.pairs) {
      client.destroy();
      server.destroy();
    }
    this.listener.close();
    await once(this.listener, 'close');
  }

  private link(client: Socket, target: { host: string; port: number }): void {
    const pair = { client, server: connect(target) };
    this.pairs.add(pair);
    for (const [from, to] of [
      [client, pair.server],
      [pair.server, client],
    ] as const) {
      from.on('data', (bytes) => to.write(bytes));
      // An end is held like any byte: it comes after them.
      from.on('end', () => to.end());
      from.on('error', () => to.destroy());
      from.on('close', () => this.pairs.delete(pair));
    }
    this.apply(pair);
  }

  private apply({ client, server }: Pair): void {
    if (this.held.requests) client.pause();
    else client.resume();
    if (this.held.answers) server.pause();
    else server.resume();
  }
}
