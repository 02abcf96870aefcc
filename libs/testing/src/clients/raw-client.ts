import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import type { ServerFrame } from '@troupe/protocol';
import {
  decodeWireFrame,
  encodeWireFrame,
  type IncomingFrame,
  Opcode,
  type OutgoingFrame,
} from './wire-frame';

export interface HttpHead {
  status: number;
  headers: Map<string, string>;
}

/** How the server ended a connection: its close frame's code, or null if it sent none. */
export interface RawEnd {
  closeCode: number | null;
  reason: string;
}

const DEADLINE_MS = 5_000;
const HEAD_END = '\r\n\r\n';

/** A TCP connection that may say anything, for what no proper WebSocket client would send. */
export class RawClient {
  private bytes = Buffer.alloc(0);
  private ended = false;
  private closeFrame: RawEnd | null = null;
  private readonly wakers = new Set<() => void>();

  private constructor(private readonly socket: Socket) {
    socket.on('data', (chunk) => {
      this.bytes = Buffer.concat([this.bytes, chunk]);
      this.wake();
    });
    // A reset is an end like any other here; what matters is the close frame before it.
    socket.on('error', () => this.wake());
    socket.on('close', () => {
      this.ended = true;
      this.wake();
    });
  }

  static async connect(port: number): Promise<RawClient> {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.setNoDelay(true);
    const client = new RawClient(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return client;
  }

  /** Connects, upgrades and logs in, up to `welcome`. */
  static async welcomed(port: number, token: string): Promise<RawClient> {
    const client = await RawClient.connect(port);
    const head = await client.upgrade();
    if (head.status !== 101) throw new Error(`the upgrade was answered with ${head.status}`);
    client.sendFrame({ opcode: Opcode.text, payload: JSON.stringify({ type: 'hello', token }) });
    await client.nextJson('welcome');
    return client;
  }

  write(bytes: Uint8Array | string): void {
    this.socket.write(bytes);
  }

  sendFrame(frame: OutgoingFrame): void {
    this.write(encodeWireFrame(frame));
  }

  /** Sends a legal upgrade, changed by `changes` (null removes a header), and reads the answer's head. */
  upgrade(
    changes: {
      requestLine?: string;
      headers?: Record<string, string | null>;
      /** Whole further lines, before the others, for what an object cannot say: the same header twice. */
      lines?: readonly string[];
    } = {},
    deadlineMs?: number,
  ): Promise<HttpHead> {
    const headers: Record<string, string | null> = {
      Host: '127.0.0.1',
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
      'Sec-WebSocket-Protocol': 'troupe.v1',
      ...changes.headers,
    };
    const lines = Object.entries(headers).flatMap(([name, value]) =>
      value === null ? [] : [`${name}: ${value}`],
    );
    const request = [changes.requestLine ?? 'GET /v1/ws HTTP/1.1', ...(changes.lines ?? []), ...lines];
    this.write(request.join('\r\n') + HEAD_END);
    return this.head(deadlineMs);
  }

  /** Reads the head of an HTTP response. Throws when there is none in time, or the connection ends without one. */
  head(deadlineMs = DEADLINE_MS): Promise<HttpHead> {
    return this.until('an HTTP response', deadlineMs, () => {
      const end = this.bytes.indexOf(HEAD_END);
      if (end === -1) return null;
      const [statusLine = '', ...lines] = this.bytes.toString('latin1', 0, end).split('\r\n');
      this.bytes = this.bytes.subarray(end + HEAD_END.length);
      const headers = new Map(
        lines.map((line) => {
          const colon = line.indexOf(':');
          return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
        }),
      );
      return { status: Number(statusLine.split(' ')[1]), headers };
    });
  }

  /** Gives the next frame of any kind. */
  nextFrame(deadlineMs = DEADLINE_MS): Promise<IncomingFrame> {
    return this.until('a frame', deadlineMs, () => {
      const decoded = decodeWireFrame(this.bytes);
      if (!decoded) return null;
      this.bytes = this.bytes.subarray(decoded.length);
      const { frame } = decoded;
      if (frame.opcode === Opcode.close) this.closeFrame = readClose(frame.payload);
      return frame;
    });
  }

  /** Gives the next text frame of that type; others before it are passed over. */
  async nextJson(type: ServerFrame['type'], deadlineMs = DEADLINE_MS): Promise<ServerFrame> {
    for (;;) {
      const { opcode, payload } = await this.nextFrame(deadlineMs);
      if (opcode !== Opcode.text) continue;
      const frame = JSON.parse(payload.toString('utf8')) as ServerFrame;
      if (frame.type === type) return frame;
    }
  }

  /** Reads on until the server ends the connection. Throws when it does not in time. */
  async untilEnd(deadlineMs = DEADLINE_MS): Promise<RawEnd> {
    for (;;) {
      const more = await this.until('the end of the connection', deadlineMs, () => {
        if (decodeWireFrame(this.bytes)) return 'frame' as const;
        return this.ended ? ('end' as const) : null;
      });
      if (more === 'end') break;
      await this.nextFrame(deadlineMs);
      // Answered, or the server would wait for our half of the closing handshake.
      if (this.closeFrame) this.socket.end();
    }
    return this.closeFrame ?? { closeCode: null, reason: '' };
  }

  destroy(): void {
    this.socket.destroy();
  }

  private wake(): void {
    for (const waker of [...this.wakers]) waker();
  }

  private until<T>(what: string, deadlineMs: number, attempt: () => T | null): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = (done: () => void): void => {
        clearTimeout(timer);
        this.wakers.delete(look);
        done();
      };
      const look = (): void => {
        const found = attempt();
        if (found !== null) settle(() => resolve(found));
        else if (this.ended) settle(() => reject(new Error(`the connection ended before ${what}`)));
      };
      const timer = setTimeout(
        () => settle(() => reject(new Error(`${what}: not within ${deadlineMs} ms`))),
        deadlineMs,
      );
      this.wakers.add(look);
      look();
    });
  }
}

function readClose(payload: Buffer): RawEnd {
  if (payload.length < 2) return { closeCode: 1005, reason: '' };
  return { closeCode: payload.readUInt16BE(0), reason: payload.toString('utf8', 2) };
}
