/**
 * The head of each text that the bench sends: `~#`, who (5 digits), when (13, µs), which (7).
 * Fixed widths let the generator patch it into a frame that was built once, and read it without JSON.
 */
const WHO = 2;
const WHEN = WHO + 5;
const WHICH = WHEN + 13;
export const MARKER_BYTES = WHICH + 7;

const TILDE = 0x7e;
const HASH = 0x23;
const NEEDLE = Buffer.from('~#');

export interface Marker {
  publisher: number;
  sentUs: number;
  ordinal: number;
}

/** A text of `bytes` ASCII characters with an empty marker in front. */
export function markedText(bytes: number): string {
  return `~#${'0'.repeat(MARKER_BYTES - 2)}`.padEnd(bytes, 'x');
}

/** Where the marker starts in a frame template. */
export function markerOffset(frame: Buffer): number {
  const at = frame.indexOf(NEEDLE);
  if (at < 0) throw new Error('the frame template has no marker');
  return at;
}

export function writeMarker(buf: Buffer, at: number, m: Marker): void {
  writeDigits(buf, at + WHO, 5, m.publisher);
  writeDigits(buf, at + WHEN, 13, m.sentUs);
  writeDigits(buf, at + WHICH, 7, m.ordinal);
}

/** Finds and reads markers; remembers the last offset, since a peer's frames look alike. */
export class MarkerReader {
  readonly found: Marker = { publisher: 0, sentUs: 0, ordinal: 0 };
  #offset = 0;

  /** Reads the marker of the payload at `start` into `found`. False where there is none. */
  read(buf: Buffer, start: number, end: number): boolean {
    let at = start + this.#offset;
    if (buf[at] !== TILDE || buf[at + 1] !== HASH) {
      at = buf.indexOf(NEEDLE, start);
      if (at < 0) return false;
    }
    if (at + MARKER_BYTES > end) return false;
    this.#offset = at - start;
    this.found.publisher = readDigits(buf, at + WHO, 5);
    this.found.sentUs = readDigits(buf, at + WHEN, 13);
    this.found.ordinal = readDigits(buf, at + WHICH, 7);
    return true;
  }
}

function writeDigits(buf: Buffer, at: number, width: number, value: number): void {
  let rest = value;
  for (let i = at + width - 1; i >= at; i -= 1) {
    const next = Math.floor(rest / 10);
    buf[i] = 0x30 + (rest - next * 10);
    rest = next;
  }
}

function readDigits(buf: Buffer, at: number, width: number): number {
  let value = 0;
  for (let i = at; i < at + width; i += 1) value = value * 10 + ((buf[i] ?? 0x30) - 0x30);
  return value;
}
