import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type OnGatewayConnection, WebSocketGateway } from '@nestjs/websockets';
import type { WebSocket } from 'ws';
import { GatewayService } from '../gateway.service';
import { listenTo } from './socket-events';

/** Where Nest hands over sockets. Their frames do not pass here: they go from the socket to its connection. */
@WebSocketGateway()
export class MessagingGateway implements OnGatewayConnection<WebSocket> {
  constructor(private readonly gateway: GatewayService) {}

  handleConnection(webSocket: WebSocket, socket: Duplex, request: IncomingMessage): void {
    listenTo(webSocket, socket, this.gateway.accept(webSocket, socket, request), this.gateway.nowMs);
  }
}
