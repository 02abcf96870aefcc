import { MARKER_BYTES, MarkerReader, markedText, markerOffset, writeMarker } from './marker';

describe('The marker in each text', () => {
  it('comes back as it was written, wherever the frame has it', () => {
    const reader = new MarkerReader();
    for (const head of ['', '{"type":"message","seq":9,"text":"', '{"type":"message","seq":10,"text":"']) {
      const frame = Buffer.from(head + markedText(200));
      const marker = { publisher: 99, sentUs: 1_234_567_890_123, ordinal: 76_543 };
      writeMarker(frame, markerOffset(frame), marker);
      const read = Buffer.concat([Buffer.from('before'), frame]);
      expect(reader.read(read, 6, read.length)).toBe(true);
      expect(reader.found).toEqual(marker);
    }
  });

  it('is not found where there is none, or only a piece of one', () => {
    const reader = new MarkerReader();
    const plain = Buffer.from('x'.repeat(100));
    expect(reader.read(plain, 0, plain.length)).toBe(false);
    const piece = Buffer.from(markedText(MARKER_BYTES)).subarray(0, 10);
    expect(reader.read(piece, 0, piece.length)).toBe(false);
  });
});
