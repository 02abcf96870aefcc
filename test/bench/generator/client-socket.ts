import { randomBytes } from 'node:crypto';
import { type Socket, connect } from 'node:net';
import { Opcode, clientFrame } from './client-frame';
import type { Endpoint } from './commands';
import type { Driver, MemberIdentity } from './drivers/driver';
import type { Scanner, ScannerSink } from './scanner';

/** What the run that is going on wants to hear of each socket. */
export interface SocketObserver {
  /** `n` more messages were delivered to anybody. */
  delivered(n: number): void;
  /** One delivery to a watched socket, whole. */
  watched(socket: ClientSocket, buf: Buffer, start: number, end: number): void;
  /** All frames of one read have been handled. */
  turnEnd(socket: ClientSocket): void;
  gap(socket: ClientSocket, from: number, to: number): void;
  error(socket: ClientSocket, text: string): void;
}

// Reads are handled before the next one begins, so that all sockets can share one buffer.
const READ_BUFFER = Buffer.allocUnsafeSlow(256 * 1_024);
const HANDSHAKE_BYTES_MAX = 16_384;

/**
 * One WebSocket client on a bare TCP socket. It looks at frame headers only, so that ten thousand of
 * them cost the machine little beside the server that is measured.
 */
export class ClientSocket implements ScannerSink {
  /** Deliveries of watched sockets are handed over whole; those of others are only counted. */
  wantsPayload = false;
  closed = false;
  observer: SocketObserver;
  /** Position among the publishers of the whole set, or -1. */
  publisher = -1;
  readonly joined: Promise<void>;
  readonly #socket: Socket;
  readonly #scanner: Scanner;
  #handshake: Buffer | undefined = Buffer.alloc(0);
  #count = 0;
  #settle: { joined: () => void; failed: (error: Error) => void } | undefined;

  constructor(
    endpoint: Endpoint,
    private readonly driver: Driver,
    private readonly member: MemberIdentity,
    textBytes: number,
    observer: SocketObserver,
    /** Index of the member's room. */
    readonly room: number,
  ) {
    this.observer = observer;
    this.#scanner = driver.scanner(this, member, textBytes);
    this.joined = new Promise((joined, failed) => (this.#settle = { joined, failed }));
    this.#socket = connect({
      host: endpoint.host,
      port: endpoint.port,
      noDelay: true,
      onread: { buffer: READ_BUFFER, callback: (bytes) => this.#read(bytes) },
    });
    this.#socket.on('error', (error) => this.#end(error.message));
    this.#socket.on('close', () => this.#end('closed by the server'));
    const protocol =
      driver.subprotocol === undefined ? '' : `Sec-WebSocket-Protocol: ${driver.subprotocol}\r\n`;
    this.#socket.write(
      `GET ${driver.path(member)} HTTP/1.1\r\nHost: ${endpoint.host}:${endpoint.port}\r\n` +
        'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n' +
        `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n${protocol}\r\n`,
    );
  }

  send(frame: Buffer): void {
    this.#socket.write(frame);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Resets the connection, so that thousands of closed ones do not linger in TIME_WAIT. */
  destroy(): void {
    this.closed = true;
    this.#socket.resetAndDestroy();
  }

  delivery(buf: Buffer, start: number, end: number): void {
    this.#count += 1;
    if (this.wantsPayload) this.observer.watched(this, buf, start, end);
  }

  control(opcode: number, payload: Buffer): void {
    if (opcode === Opcode.ping) {
      this.send(clientFrame(Opcode.pong, payload));
      return;
    }
    if (opcode === Opcode.close) {
      this.#end(`close ${payload.length >= 2 ? payload.readUInt16BE(0) : ''} ${payload.toString('utf8', 2)}`);
      return;
    }
    if (opcode === Opcode.pong) return;
    const meaning = this.driver.control(payload.toString(), this.member);
    if (meaning.reply !== undefined) this.send(meaning.reply);
    if (meaning.joined) this.#settle?.joined();
    if (meaning.gap !== undefined) this.observer.gap(this, meaning.gap.from, meaning.gap.to);
    if (meaning.error !== undefined) {
      this.#settle?.failed(new Error(meaning.error));
      this.observer.error(this, meaning.error);
    }
  }

  #read(bytes: number): boolean {
    if (this.#handshake !== undefined) {
      this.#upgrade(READ_BUFFER.subarray(0, bytes));
      return true;
    }
    this.#count = 0;
    this.#scanner.push(READ_BUFFER, bytes);
    if (this.#count > 0) {
      this.observer.delivered(this.#count);
      if (this.wantsPayload) this.observer.turnEnd(this);
    }
    return true;
  }

  #upgrade(chunk: Buffer): void {
    const all = Buffer.concat([this.#handshake ?? Buffer.alloc(0), chunk]);
    const end = all.indexOf('\r\n\r\n');
    if (end < 0) {
      this.#handshake = all;
      if (all.length > HANDSHAKE_BYTES_MAX) this.destroy();
      return;
    }
    if (!all.subarray(0, 16).toString().startsWith('HTTP/1.1 101')) {
      this.#end(`no upgrade: ${all.subarray(0, 300).toString()}`);
      return;
    }
    this.#handshake = undefined;
    for (const frame of this.driver.greet(this.member)) this.send(frame);
    if (this.driver.joinedByUpgrade) this.#settle?.joined();
    if (all.length > end + 4) this.#scanner.push(all.subarray(end + 4), all.length - end - 4);
  }

  #end(reason: string): void {
    if (this.closed) return;
    this.closed = true;
    this.#settle?.failed(new Error(reason));
    this.observer.error(this, reason);
    this.#socket.destroy();
  }
}
