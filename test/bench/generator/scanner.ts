/** What a scanner tells about the bytes of one connection. */
export interface ScannerSink {
  /** A delivered message. Its payload is `buf[start, end)`, whole only while `wantsPayload` is set. */
  delivery(buf: Buffer, start: number, end: number): void;
  /** Any other frame, whole. */
  control(opcode: number, payload: Buffer): void;
  /** Whether deliveries must be handed over whole; else they are only counted. */
  readonly wantsPayload: boolean;
}

/** Splits the bytes of one connection into frames. */
export interface Scanner {
  /** Takes `buf[0, end)`; nothing of `buf` is kept after the call. */
  push(buf: Buffer, end: number): void;
}

/** Tells from the first bytes of a frame's payload whether it is a delivery. */
export type IsDelivery = (buf: Buffer, start: number, opcode: number) => boolean;

/** How much of a payload `IsDelivery` may look at. */
const PEEK_BYTES = 16;

/** For protocols with one message in each frame. Payloads that nobody wants are skipped, not copied. */
export class FrameScanner implements Scanner {
  #carry: Buffer | undefined;
  #skip = 0;

  constructor(
    private readonly sink: ScannerSink,
    private readonly isDelivery: IsDelivery,
  ) {}

  push(chunk: Buffer, chunkEnd: number): void {
    let buf = chunk;
    let end = chunkEnd;
    if (this.#carry !== undefined) {
      buf = Buffer.concat([this.#carry, chunk.subarray(0, chunkEnd)]);
      end = buf.length;
      this.#carry = undefined;
    }
    let pos = Math.min(this.#skip, end);
    this.#skip -= pos;
    while (pos < end) {
      const used = this.#frame(buf, pos, end);
      if (used === 0) {
        this.#carry = Buffer.from(buf.subarray(pos, end));
        return;
      }
      pos += used;
      if (pos > end) this.#skip = pos - end;
    }
  }

  /** Handles the frame at `pos`; returns its whole length, or 0 if more of it is needed. */
  #frame(buf: Buffer, pos: number, end: number): number {
    if (end - pos < 2) return 0;
    let length = (buf[pos + 1] as number) & 127;
    let head = 2;
    if (length === 126) {
      if (end - pos < 4) return 0;
      head = 4;
      length = ((buf[pos + 2] as number) << 8) | (buf[pos + 3] as number);
    } else if (length === 127) {
      if (end - pos < 10) return 0;
      head = 10;
      length = Number(buf.readBigUInt64BE(pos + 2));
    }
    const start = pos + head;
    const have = end - start;
    if (have < Math.min(length, PEEK_BYTES)) return 0;
    const opcode = (buf[pos] as number) & 15;
    const delivery = opcode < 8 && this.isDelivery(buf, start, opcode);
    if (have < length && (!delivery || this.sink.wantsPayload)) return 0;
    if (delivery) this.sink.delivery(buf, start, start + length);
    else this.sink.control(opcode, Buffer.from(buf.subarray(start, start + length)));
    return head + length;
  }
}
