import type { WebSocket } from 'ws';
import type { GatewayService } from '../gateway.service';
import type { Connection } from '../ws/connection';
import { listenTo } from '../ws/socket-events';
import type { TestSocket } from './test-socket';
import { upgraded } from './test-upgrade';
import { CLOSE, PONG, TEXT, clientFrame } from './wire';

/** A frame of the server's, as a test looks at it. */
export interface Received {
  type: string;
  [field: string]: unknown;
}

/** The far end of one socket of a gateway under test. */
export class TestClient {
  readonly socket: TestSocket;
  readonly webSocket: WebSocket;
  readonly connection: Connection;

  constructor(gateway: GatewayService, headers: Record<string, string>) {
    const { webSocket, socket, request } = upgraded(headers);
    this.socket = socket;
    this.webSocket = webSocket;
    this.connection = gateway.accept(webSocket, socket, request);
    listenTo(webSocket, socket, this.connection, gateway.nowMs);
  }

  /** Sends a text frame. */
  say(frame: object | string): void {
    const text = typeof frame === 'string' ? frame : JSON.stringify(frame);
    this.send(TEXT, Buffer.from(text));
  }

  send(opcode: number, payload = Buffer.alloc(0)): void {
    this.socket.deliver(clientFrame(opcode, payload));
  }

  /** What the client has read so far. */
  get frames(): Received[] {
    return this.socket.frames
      .filter(({ opcode }) => opcode === TEXT)
      .map(({ payload }) => JSON.parse(payload.toString()) as Received);
  }

  of(type: string): Received[] {
    return this.frames.filter((frame) => frame.type === type);
  }

  get types(): string[] {
    return this.frames.map(({ type }) => type);
  }

  /** Texts of the messages of a room. */
  texts(room: string): unknown[] {
    return this.of('message')
      .filter((frame) => frame['room'] === room)
      .map((frame) => frame['text']);
  }

  get pongs(): number {
    return this.socket.frames.filter(({ opcode }) => opcode === PONG).length;
  }

  /** Close codes that were sent, in order; one at most if all is well. */
  get closeCodes(): number[] {
    return this.socket.frames
      .filter(({ opcode }) => opcode === CLOSE)
      .map(({ payload }) => payload.readUInt16BE(0));
  }
}
