import type { Duplex } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import type { Connection } from './connection';

interface Listening {
  connection: Connection;
  nowMs: () => number;
}

/** Found by the socket that an event is about: a closure per event and socket would cost more than the session. */
const listening = new WeakMap<WebSocket | Duplex, Listening>();

/** Brings a socket's events to its connection. */
export function listenTo(
  webSocket: WebSocket,
  socket: Duplex,
  connection: Connection,
  nowMs: () => number,
): void {
  const entry = { connection, nowMs };
  listening.set(webSocket, entry);
  listening.set(socket, entry);
  webSocket.on('message', onMessage);
  webSocket.on('ping', onPing);
  webSocket.on('pong', onPong);
  webSocket.on('error', onError);
  webSocket.on('close', onClose);
  socket.on('drain', onDrain);
}

function onMessage(this: WebSocket, data: RawData, isBinary: boolean): void {
  const entry = listening.get(this);
  // `binaryType` is left at nodebuffer, so that the data is always one Buffer.
  entry?.connection.receive(data as Buffer, isBinary, entry.nowMs());
}

function onPing(this: WebSocket, data: Buffer): void {
  const entry = listening.get(this);
  entry?.connection.receivePing(data, entry.nowMs());
}

function onPong(this: WebSocket): void {
  const entry = listening.get(this);
  entry?.connection.receivePong(entry.nowMs());
}

function onError(this: WebSocket, error: Error & { code?: string }): void {
  listening.get(this)?.connection.broken(error.code ?? '');
}

function onClose(this: WebSocket): void {
  listening.get(this)?.connection.gone();
}

function onDrain(this: Duplex): void {
  listening.get(this)?.connection.drained();
}
