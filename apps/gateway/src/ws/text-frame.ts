/**
 * Builds a complete, unmasked, unfragmented WebSocket text frame (RFC 6455, section 5.2) around UTF-8 text.
 *
 * Built once per message and written to every socket as it is: nothing is compressed or masked per receiver.
 */
export function textFrame(body: Uint8Array): Buffer {
  const { length } = body;
  if (length < 126) {
    const frame = Buffer.allocUnsafe(2 + length);
    frame[0] = FIN_TEXT;
    frame[1] = length;
    frame.set(body, 2);
    return frame;
  }
  if (length < 65_536) {
    const frame = Buffer.allocUnsafe(4 + length);
    frame[0] = FIN_TEXT;
    frame[1] = 126;
    frame[2] = length >>> 8;
    frame[3] = length & 0xff;
    frame.set(body, 4);
    return frame;
  }
  const frame = Buffer.allocUnsafe(10 + length);
  frame[0] = FIN_TEXT;
  frame[1] = 127;
  frame.writeBigUInt64BE(BigInt(length), 2);
  frame.set(body, 10);
  return frame;
}

/** The same, from a string. */
export function textFrameOf(json: string): Buffer {
  return textFrame(Buffer.from(json));
}

const FIN_TEXT = 0x81;
