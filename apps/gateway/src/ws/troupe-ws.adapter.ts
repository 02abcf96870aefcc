import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { INestApplicationContext, WebSocketAdapter } from '@nestjs/common';
import type { Settings } from '@troupe/config';
import type { ErrorCode } from '@troupe/protocol';
import { type WebSocket, WebSocketServer } from 'ws';
import { answerUpgrade, refusalOf, refusalOfHandshake } from './upgrade';
import { SUBPROTOCOL } from './ws.constants';

/** What Nest calls the server: it only hands over sockets. */
export interface TroupeWsServer {
  onConnection: (webSocket: WebSocket, socket: Duplex, request: IncomingMessage) => void;
}

/**
 * WebSockets on `ws`, behind Nest's gateways. Unlike the stock adapter it answers bad input, has bounds everywhere,
 * and costs nothing per frame: frames go straight to the connection, not through an observable.
 */
export class TroupeWsAdapter implements WebSocketAdapter<TroupeWsServer, WebSocket> {
  private readonly sockets = new Set<WebSocket>();
  private accepting = true;

  constructor(
    private readonly app: INestApplicationContext & { getHttpServer(): Server },
    private readonly settings: Settings,
    private readonly rejected: (code: ErrorCode) => void,
  ) {}

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
    const face: TroupeWsServer = { onConnection: () => undefined };
    // With a listener `ws` leaves the answer to it, and so to us: without one the socket would hang.
    server.on('wsClientError', (error: Error, socket: Duplex, request: IncomingMessage) => {
      this.refuse(socket, refusalOfHandshake(error, request));
    });
    this.app.getHttpServer().on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      socket.on('error', ignoreReset);
      const refusal = refusalOf(request, {
        settings,
        accepting: this.accepting,
        connections: this.sockets.size,
      });
      if (refusal) return this.refuse(socket, refusal);
      server.handleUpgrade(request, socket, head, (webSocket) => {
        this.sockets.add(webSocket);
        webSocket.on('close', () => this.sockets.delete(webSocket));
        face.onConnection(webSocket, socket, request);
      });
    });
    return face;
  }

  bindClientConnect(server: TroupeWsServer, callback: TroupeWsServer['onConnection']): void {
    server.onConnection = callback;
  }

  bindMessageHandlers(): void {
    // Frames are routed by the connection; see FrameRouter.
    return;
  }

  /** From now on nobody gets in. */
  stopAccepting(): void {
    this.accepting = false;
  }

  /** Resolves when every socket has closed, or after `deadlineMs`. */
  async drained(deadlineMs: number): Promise<void> {
    const closed = [...this.sockets].map(
      (webSocket) => new Promise((resolve) => webSocket.once('close', resolve)),
    );
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise((resolve) => (timer = setTimeout(resolve, deadlineMs)));
    await Promise.race([Promise.all(closed), late]);
    clearTimeout(timer);
  }

  close(): void {
    this.stopAccepting();
    for (const webSocket of this.sockets) webSocket.terminate();
  }

  /** Nest calls it when the application closes; the servers are closed by then. */
  dispose(): Promise<void> {
    return Promise.resolve();
  }

  private refuse(socket: Duplex, refusal: ReturnType<typeof refusalOfHandshake>): void {
    this.rejected(refusal.code);
    answerUpgrade(socket, refusal);
  }
}

/** A reset before or during the handshake; `ws` handles its own sockets' errors afterwards. */
function ignoreReset(): void {
  return;
}
