import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

/** A TCP line to a server that can stop carrying what the server sends. */
export class StoppableLine {
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    private readonly port: number,
  ) {
    server.on('connection', (client) => {
      const upstream = connect(this.port, '127.0.0.1');
      for (const [from, to] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        this.sockets.add(from);
        from.on('error', () => to.destroy());
        from.on('close', () => to.end());
        from.pipe(to);
      }
    });
  }

  /** Opens a line to a port of this machine. */
  static async to(port: number): Promise<StoppableLine> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new StoppableLine(server, port);
  }

  /** Where it listens. */
  get listens(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Leaves what the server sends unread, so that it piles up there. */
  stopReading(): void {
    for (const socket of this.upstreams()) socket.pause();
  }

  readAgain(): void {
    for (const socket of this.upstreams()) socket.resume();
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private upstreams(): Socket[] {
    return [...this.sockets].filter((socket) => socket.remotePort === this.port);
  }
}
