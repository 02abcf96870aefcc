/** WebSocket opcodes that the bench sends or reads. */
export const Opcode = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/**
 * Builds one client frame. The masking key is zero, which RFC 6455 allows: the server still does the
 * work of unmasking, while the generator can patch a frame that was built once.
 */
export function clientFrame(opcode: number, payload: Buffer | string): Buffer {
  const body = typeof payload === 'string' ? Buffer.from(payload) : payload;
  const head = body.length < 126 ? 2 : body.length < 65_536 ? 4 : 10;
  const frame = Buffer.alloc(head + 4 + body.length);
  frame[0] = 0x80 | opcode;
  if (head === 2) {
    frame[1] = 0x80 | body.length;
  } else if (head === 4) {
    frame[1] = 0x80 | 126;
    frame.writeUInt16BE(body.length, 2);
  } else {
    frame[1] = 0x80 | 127;
    frame.writeBigUInt64BE(BigInt(body.length), 2);
  }
  body.copy(frame, head + 4);
  return frame;
}
