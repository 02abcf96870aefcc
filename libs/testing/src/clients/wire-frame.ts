import { randomBytes } from 'node:crypto';

export const Opcode = {
  continuation: 0x0,
  text: 0x1,
  binary: 0x2,
  close: 0x8,
  ping: 0x9,
  pong: 0xa,
} as const;

/** A WebSocket frame to be written, legal or not. */
export interface OutgoingFrame {
  opcode: number;
  payload?: Uint8Array | string;
  /** Default true. */
  fin?: boolean;
  /** The three reserved bits, as 4, 2 and 1. Default 0. */
  rsv?: number;
  /** Default true, as a client must. */
  masked?: boolean;
  /** What the header says about the length, whatever the payload is; written in 64 bits. */
  claimedLength?: bigint;
}

export interface IncomingFrame {
  opcode: number;
  fin: boolean;
  payload: Buffer;
}

/** Encodes a frame as RFC 6455 section 5.2 has it, without asking whether it makes sense. */
export function encodeWireFrame(frame: OutgoingFrame): Buffer {
  const payload = Buffer.from(frame.payload ?? '');
  const masked = frame.masked ?? true;
  const first = ((frame.fin ?? true) ? 0x80 : 0) | ((frame.rsv ?? 0) << 4) | frame.opcode;
  const head = Buffer.concat([Buffer.of(first), lengthBytes(payload.length, masked, frame.claimedLength)]);
  if (!masked) return Buffer.concat([head, payload]);
  const mask = randomBytes(4);
  const body = payload.map((byte, at) => byte ^ (mask[at % 4] ?? 0));
  return Buffer.concat([head, mask, body]);
}

function lengthBytes(length: number, masked: boolean, claimed: bigint | undefined): Buffer {
  const maskBit = masked ? 0x80 : 0;
  if (claimed !== undefined || length > 0xffff) {
    const bytes = Buffer.alloc(9);
    bytes.writeUInt8(maskBit | 127, 0);
    bytes.writeBigUInt64BE(claimed ?? BigInt(length), 1);
    return bytes;
  }
  if (length < 126) return Buffer.of(maskBit | length);
  const bytes = Buffer.of(maskBit | 126, 0, 0);
  bytes.writeUInt16BE(length, 1);
  return bytes;
}

/** Reads one frame of a server from the start of `bytes`; null while it is not whole. */
export function decodeWireFrame(bytes: Buffer): { frame: IncomingFrame; length: number } | null {
  if (bytes.length < 2) return null;
  const [first, second] = [bytes.readUInt8(0), bytes.readUInt8(1) & 0x7f];
  const start = second === 127 ? 10 : second === 126 ? 4 : 2;
  if (bytes.length < start) return null;
  const size =
    second === 127 ? Number(bytes.readBigUInt64BE(2)) : second === 126 ? bytes.readUInt16BE(2) : second;
  if (bytes.length < start + size) return null;
  const payload = Buffer.from(bytes.subarray(start, start + size));
  return { frame: { opcode: first & 0x0f, fin: first >= 0x80, payload }, length: start + size };
}
