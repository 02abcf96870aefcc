import type { Writable } from 'node:stream';
import * as ws from 'ws';
import { textFrame, textFrameOf } from './text-frame';

// Exported by `ws`, but not in its types.
const { Receiver } = ws as unknown as { Receiver: new (options: { isServer: boolean }) => Writable };

/** What a client's reader makes of the bytes, however they were cut on the way. */
function read(chunks: Buffer[]): { text: string; isBinary: boolean }[] {
  const receiver = new Receiver({ isServer: false });
  const read: { text: string; isBinary: boolean }[] = [];
  receiver.on('message', (data: Buffer, isBinary: boolean) => read.push({ text: data.toString(), isBinary }));
  receiver.on('error', (error) => {
    throw error;
  });
  for (const chunk of chunks) receiver.write(chunk);
  return read;
}

describe('a text frame', () => {
  it.each([0, 1, 125, 126, 127, 65_535, 65_536, 200_000])('of %i bytes is read back as it was', (length) => {
    const text = 'x'.repeat(length);
    expect(read([textFrame(Buffer.from(text))])).toEqual([{ text, isBinary: false }]);
  });

  it.each([
    [0, 2],
    [125, 127],
    [126, 130],
    [65_535, 65_539],
    [65_536, 65_546],
  ])('of %i bytes has the shortest header, %i bytes in all', (length, bytes) => {
    expect(textFrame(Buffer.alloc(length)).length).toBe(bytes);
  });

  it('counts bytes, not characters', () => {
    const text = '€'.repeat(42);
    expect(read([textFrameOf(text)])).toEqual([{ text, isBinary: false }]);
    expect(textFrameOf(text).length).toBe(4 + 126);
  });

  it('may be followed by others in one piece, and be cut anywhere', () => {
    const texts = ['', 'a'.repeat(125), 'b'.repeat(126), 'c'.repeat(65_536), 'end'];
    const bytes = Buffer.concat(texts.map(textFrameOf));
    const expected = texts.map((text) => ({ text, isBinary: false }));
    expect(read([bytes])).toEqual(expected);
    expect(read([bytes.subarray(0, 129), bytes.subarray(129, 400), bytes.subarray(400)])).toEqual(expected);
  });
});
