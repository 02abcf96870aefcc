import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { SUBPROTOCOL, WS_PATH } from '../ws/ws.constants';
import { TestSocket } from './test-socket';

const HANDSHAKE = {
  upgrade: 'websocket',
  connection: 'Upgrade',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'sec-websocket-protocol': SUBPROTOCOL,
};

/** A request to upgrade, as the HTTP server hands it over. */
export function upgradeRequest(headers: Record<string, string> = {}, url = WS_PATH): IncomingMessage {
  const request = new IncomingMessage(new Socket());
  request.method = 'GET';
  request.url = url;
  request.httpVersion = '1.1';
  request.headers = { ...HANDSHAKE, ...headers };
  return request;
}

/** A WebSocket of `ws` over a socket of the test, after the handshake. */
export function upgraded(headers: Record<string, string> = {}): {
  webSocket: WebSocket;
  socket: TestSocket;
  request: IncomingMessage;
} {
  const server = new WebSocketServer({ noServer: true, clientTracking: false, autoPong: false });
  const socket = new TestSocket();
  const request = upgradeRequest(headers);
  let webSocket: WebSocket | undefined;
  server.handleUpgrade(request, socket, Buffer.alloc(0), (made) => (webSocket = made));
  if (!webSocket) throw new Error('the handshake was refused');
  socket.writes.length = 0;
  return { webSocket, socket, request };
}
