import { Opcode } from './client-frame';
import { natsDriver } from './drivers/nats.driver';
import { troupeDriver } from './drivers/troupe.driver';
import type { Scanner, ScannerSink } from './scanner';

/** A server's frame: as the client's, without a mask. */
function serverFrame(opcode: number, payload: Buffer): Buffer {
  const head =
    payload.length < 126
      ? Buffer.from([0x80 | opcode, payload.length])
      : payload.length < 65_536
        ? Buffer.from([0x80 | opcode, 126, payload.length >> 8, payload.length & 255])
        : Buffer.concat([Buffer.from([0x80 | opcode, 127, 0, 0, 0, 0]), lengthBytes(payload.length)]);
  return Buffer.concat([head, payload]);
}

function lengthBytes(length: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(length);
  return bytes;
}

class Recorder implements ScannerSink {
  deliveries: string[] = [];
  count = 0;
  controls: string[] = [];

  constructor(readonly wantsPayload: boolean) {}

  delivery(buf: Buffer, start: number, end: number): void {
    this.count += 1;
    if (this.wantsPayload) this.deliveries.push(buf.toString('utf8', start, end));
  }

  control(opcode: number, payload: Buffer): void {
    this.controls.push(`${opcode}:${payload.toString()}`);
  }
}

function feed(scanner: Scanner, bytes: Buffer, piece: number): void {
  for (let at = 0; at < bytes.length; at += piece) {
    const chunk = Buffer.from(bytes.subarray(at, at + piece));
    scanner.push(chunk, chunk.length);
    // What was handed over belongs to the next read.
    chunk.fill(0);
  }
}

const MEMBER = { room: 'room', token: undefined };
const PIECES = [1, 2, 3, 7, 64, 1_000, 1_000_000];
/** Whole payloads are put together again for each piece: the long message would take its time byte by byte. */
const LARGER_PIECES = PIECES.filter((piece) => piece > 50);

describe('The generator reading Troupe frames', () => {
  const messages = [10, 200, 70_000].map((n) => `{"type":"message","seq":1,"text":"${'x'.repeat(n)}"}`);
  const others = ['{"type":"member","room":"r","user":"u","change":"joined"}', '{"type":"ack","seq":1}'];
  const bytes = Buffer.concat([
    ...messages.map((m) => serverFrame(Opcode.text, Buffer.from(m))),
    serverFrame(Opcode.ping, Buffer.from('beat')),
    ...others.map((m) => serverFrame(Opcode.text, Buffer.from(m))),
    serverFrame(Opcode.text, Buffer.from(messages[1] ?? '')),
  ]);

  it.each(PIECES)('counts messages and nothing else when %i bytes come at a time', (piece) => {
    const sink = new Recorder(false);
    feed(troupeDriver.scanner(sink, MEMBER, 200), bytes, piece);
    expect(sink.count).toBe(4);
    expect(sink.controls).toEqual([
      `${Opcode.ping}:beat`,
      ...others.map((other) => `${Opcode.text}:${other}`),
    ]);
  });

  it.each(LARGER_PIECES)(
    'hands whole messages over to who wants them when %i bytes come at a time',
    (piece) => {
      const sink = new Recorder(true);
      feed(troupeDriver.scanner(sink, MEMBER, 200), bytes, piece);
      expect(sink.deliveries).toEqual([...messages, messages[1]]);
    },
  );
});

describe('The generator reading NATS inside WebSocket frames', () => {
  const text = 'y'.repeat(30);
  const msg = `MSG bench.room 1 30\r\n${text}\r\n`;
  const stream = Buffer.from(`INFO {"server_id":"x"}\r\nPONG\r\n${msg}${msg}PING\r\n${msg}`);

  it.each([[9], [50], [1_000]])('finds operations that lie across frames of %i bytes', (frameBytes) => {
    const frames: Buffer[] = [];
    for (let at = 0; at < stream.length; at += frameBytes) {
      frames.push(serverFrame(Opcode.binary, stream.subarray(at, at + frameBytes)));
    }
    for (const wantsPayload of [true, false]) {
      for (const piece of PIECES) {
        const sink = new Recorder(wantsPayload);
        feed(natsDriver.scanner(sink, MEMBER, 30), Buffer.concat(frames), piece);
        expect(sink.count).toBe(3);
        expect(sink.deliveries).toEqual(wantsPayload ? [msg, msg, msg] : []);
        expect(sink.controls.map((control) => control.slice(2, 6))).toEqual(['INFO', 'PONG', 'PING']);
      }
    }
  });
});
