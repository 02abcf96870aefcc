/** A frame as it stands on the wire. */
export interface WireFrame {
  opcode: number;
  payload: Buffer;
}

export const TEXT = 0x1;
export const BINARY = 0x2;
export const CLOSE = 0x8;
export const PING = 0x9;
export const PONG = 0xa;

const MASK = Buffer.of(0x12, 0x34, 0x56, 0x78);

/** A client's frame: whole and masked, as RFC 6455 wants it. */
export function clientFrame(opcode: number, payload: Buffer): Buffer {
  const { length } = payload;
  const head = length < 126 ? Buffer.of(0x80 | opcode, 0x80 | length) : Buffer.alloc(4);
  if (length >= 126) {
    head.writeUInt16BE(((0x80 | opcode) << 8) | 0x80 | 126, 0);
    head.writeUInt16BE(length, 2);
  }
  const body = payload.map((byte, at) => byte ^ (MASK[at % 4] ?? 0));
  return Buffer.concat([head, MASK, body]);
}

/** All frames that a server wrote. Throws when the bytes are not whole, unmasked, unfragmented frames. */
export function serverFrames(bytes: Buffer): WireFrame[] {
  const frames: WireFrame[] = [];
  for (let at = 0; at < bytes.length;) {
    const first = bytes.readUInt8(at);
    const short = bytes.readUInt8(at + 1);
    if ((first & 0xf0) !== 0x80 || short > 127) throw new Error(`not a server's frame at byte ${at}`);
    const start = at + (short === 127 ? 10 : short === 126 ? 4 : 2);
    const length =
      short === 127
        ? Number(bytes.readBigUInt64BE(at + 2))
        : short === 126
          ? bytes.readUInt16BE(at + 2)
          : short;
    at = start + length;
    if (at > bytes.length) throw new Error('a frame is cut off');
    frames.push({ opcode: first & 0x0f, payload: bytes.subarray(start, at) });
  }
  return frames;
}
