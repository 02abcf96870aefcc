import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { INestApplicationContext, WebSocketAdapter } from '@nestjs/common';
import type { Settings } from '@troupe/config';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { refuseUpgrade } from './upgrade';
import type { Connection } from './connection';
import { SUBPROTOCOL } from './ws.constants';

/** Makes the connection object for an accepted socket. */
export type ConnectionFactory = (
  webSocket: WebSocket,
  socket: Duplex,
  request: IncomingMessage,
) => Connection;

/** What Nest calls the server: it only hands over connections. */
export interface TroupeWsServer {
  readonly connections: ReadonlySet<Connection>;
  onConnection: (connection: Connection) => void;
  /** Stops accepting; open sockets stay. */
  stopAccepting(): void;
}

const connectionOf = new WeakMap<WebSocket | Duplex, Connection>();

/**
 * WebSockets on `ws`, behind Nest's gateways. Unlike the stock adapter it answers bad input, has bounds everywhere,
 * and costs nothing per frame: frames go straight to the connection, not through an observable.
 */
export class TroupeWsAdapter implements WebSocketAdapter<TroupeWsServer, Connection> {
  private factory: ConnectionFactory | null = null;

  constructor(
    private readonly app: INestApplicationContext & { getHttpServer(): Server },
    private readonly settings: Settings,
    private readonly now: () => number,
  ) {}

  /** The gateway says how connections are made; Nest creates the server before it creates the gateway. */
  useFactory(factory: ConnectionFactory): void {
    this.factory = factory;
  }

  create(): TroupeWsServer {
    const { settings } = this;
    const server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      maxPayload: settings.frameBytesMax,
      maxFragments: settings.fragmentsMax,
      perMessageDeflate: false,
      autoPong: false,
      handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
    });
    const connections = new Set<Connection>();
    const face: TroupeWsServer & { accepting: boolean } = {
      connections,
      accepting: true,
      onConnection: () => undefined,
      stopAccepting() {
        face.accepting = false;
      },
    };
    this.app.getHttpServer().on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      socket.on('error', ignoreReset);
      const state = { settings, accepting: face.accepting, connections: connections.size };
      if (refuseUpgrade(request, socket, state)) return;
      server.handleUpgrade(request, socket, head, (webSocket) => {
        this.accept(webSocket, socket, request, face, connections);
      });
    });
    return face;
  }

  private accept(
    webSocket: WebSocket,
    socket: Duplex,
    request: IncomingMessage,
    face: TroupeWsServer,
    connections: Set<Connection>,
  ): void {
    if (!this.factory) return webSocket.terminate();
    const connection = this.factory(webSocket, socket, request);
    const { now } = this;
    connections.add(connection);
    connectionOf.set(webSocket, connection);
    connectionOf.set(socket, connection);
    // Shared listeners that look the connection up: a closure per event and socket would cost more than the session.
    clock.now = now;
    webSocket.on('message', onMessage);
    webSocket.on('ping', onPing);
    webSocket.on('pong', onPong);
    webSocket.on('error', onError);
    webSocket.on('close', () => {
      connections.delete(connection);
      connection.gone();
    });
    socket.on('drain', onDrain);
    face.onConnection(connection);
  }

  bindClientConnect(server: TroupeWsServer, callback: (connection: Connection) => void): void {
    server.onConnection = callback;
  }

  bindMessageHandlers(): void {
    // Frames are routed by the connection's own events; see FrameRouter.
    return;
  }

  close(server: TroupeWsServer): void {
    server.stopAccepting();
    for (const connection of server.connections) connection.terminate();
  }

  /** Nest calls it when the application closes; the servers are closed by then. */
  dispose(): Promise<void> {
    return Promise.resolve();
  }
}

const clock = { now: (): number => 0 };

function onMessage(this: WebSocket, data: RawData, isBinary: boolean): void {
  // `binaryType` is left at nodebuffer, so that the data is always one Buffer.
  connectionOf.get(this)?.receive(data as Buffer, isBinary, clock.now());
}

function onPing(this: WebSocket, data: Buffer): void {
  connectionOf.get(this)?.receivePing(data, clock.now());
}

function onPong(this: WebSocket): void {
  connectionOf.get(this)?.receivePong(clock.now());
}

function onError(this: WebSocket, error: Error & { code?: string }): void {
  connectionOf.get(this)?.broken(error.code ?? '');
}

function onDrain(this: Duplex): void {
  connectionOf.get(this)?.drained();
}

/** A reset before or during the handshake; `ws` handles its own sockets' errors afterwards. */
function ignoreReset(): void {
  return;
}
