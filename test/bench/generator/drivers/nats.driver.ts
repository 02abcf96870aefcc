import { Opcode, clientFrame } from '../client-frame';
import type { Scanner, ScannerSink } from '../scanner';
import type { Driver } from './driver';

const M = 0x4d;
const LF = 0x0a;

const binary = (payload: string): Buffer => clientFrame(Opcode.binary, payload);

/**
 * The NATS protocol inside WebSocket frames. It is a stream: an operation may lie across frames, so
 * the frames are taken off first. All of a member's messages have one length, so they are counted by
 * their first byte and skipped.
 */
class NatsScanner implements Scanner {
  #wire: Buffer | undefined;
  /** Bytes of the current frame's payload that are still to come. */
  #frameLeft = 0;
  #op: Buffer | undefined;
  #skip = 0;

  constructor(
    private readonly sink: ScannerSink,
    private readonly messageBytes: number,
  ) {}

  push(chunk: Buffer, chunkEnd: number): void {
    const buf =
      this.#wire === undefined
        ? chunk.subarray(0, chunkEnd)
        : Buffer.concat([this.#wire, chunk.subarray(0, chunkEnd)]);
    this.#wire = undefined;
    let pos = 0;
    while (pos < buf.length) {
      if (this.#frameLeft > 0) {
        const end = Math.min(buf.length, pos + this.#frameLeft);
        this.#frameLeft -= end - pos;
        this.#stream(buf, pos, end);
        pos = end;
        continue;
      }
      const head = this.#header(buf, pos);
      if (head === 0) {
        this.#wire = Buffer.from(buf.subarray(pos));
        return;
      }
      pos += head;
    }
  }

  #header(buf: Buffer, pos: number): number {
    const have = buf.length - pos;
    if (have < 2) return 0;
    const short = (buf[pos + 1] as number) & 127;
    const head = short === 126 ? 4 : short === 127 ? 10 : 2;
    if (have < head) return 0;
    this.#frameLeft =
      head === 2 ? short : head === 4 ? buf.readUInt16BE(pos + 2) : Number(buf.readBigUInt64BE(pos + 2));
    return head;
  }

  #stream(chunk: Buffer, from: number, to: number): void {
    let buf = chunk;
    let pos = from;
    let end = to;
    if (this.#op !== undefined) {
      buf = Buffer.concat([this.#op, chunk.subarray(from, to)]);
      this.#op = undefined;
      pos = 0;
      end = buf.length;
    }
    const skipped = Math.min(this.#skip, end - pos);
    this.#skip -= skipped;
    pos += skipped;
    while (pos < end) {
      const length = this.#operation(buf, pos, end);
      if (length === 0) {
        this.#op = Buffer.from(buf.subarray(pos, end));
        return;
      }
      pos += length;
      if (pos > end) this.#skip = pos - end;
    }
  }

  #operation(buf: Buffer, pos: number, end: number): number {
    if (buf[pos] === M) {
      if (this.sink.wantsPayload && end - pos < this.messageBytes) return 0;
      this.sink.delivery(buf, pos, pos + this.messageBytes);
      return this.messageBytes;
    }
    const line = buf.indexOf(LF, pos);
    if (line < 0 || line >= end) return 0;
    this.sink.control(Opcode.binary, Buffer.from(buf.subarray(pos, line + 1)));
    return line + 1 - pos;
  }
}

/** Clients that speak NATS to nats-server's own WebSocket listener, one subject for each room. */
export const natsDriver: Driver = {
  path: () => '/',
  joinedByUpgrade: false,
  greet: (member) => [
    binary(
      'CONNECT {"verbose":false,"pedantic":false,"tls_required":false,"lang":"bench","version":"1",' +
        `"protocol":1,"echo":true}\r\nSUB bench.${member.room} 1\r\nPING\r\n`,
    ),
  ],
  scanner: (sink, member, textBytes) =>
    new NatsScanner(sink, `MSG bench.${member.room} 1 ${textBytes}\r\n`.length + textBytes + 2),
  control: (payload) => {
    if (payload.startsWith('PONG')) return { joined: true };
    if (payload.startsWith('PING')) return { reply: binary('PONG\r\n') };
    if (payload.startsWith('-ERR')) return { error: payload.trim() };
    return {};
  },
  publish: (room, text) => binary(`PUB bench.${room} ${text.length}\r\n${text}\r\n`),
};
