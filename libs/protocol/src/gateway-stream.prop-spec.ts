import fc from 'fast-check';
import {
  type AckRecord,
  type ControlRecord,
  GatewayStreamWriter,
  type PieceHeader,
  readGatewayStream,
} from './gateway-stream';

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);

type Written =
  | { kind: 'message'; room: string; epoch: number; seq: number; body: Uint8Array }
  | { kind: 'ack'; record: AckRecord }
  | { kind: 'piece'; header: PieceHeader; bodies: Uint8Array[] }
  | { kind: 'control'; record: ControlRecord };

const hex = (length: number): fc.Arbitrary<string> => fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`));
const id = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/);
const seq = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const epoch = fc.integer({ min: 0, max: 0xffff_ffff });
const body = fc.uint8Array({ maxLength: 300 });
const at = fc
  .date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true })
  .map((d) => d.toISOString());

const record: fc.Arbitrary<Written> = fc.oneof(
  fc.record({ kind: fc.constant('message' as const), room: id, epoch, seq, body }),
  fc.record({
    kind: fc.constant('ack' as const),
    record: fc.record({ ref: epoch, seq, duplicate: fc.boolean(), id: hex(36), at }),
  }),
  fc.record({
    kind: fc.constant('piece' as const),
    header: fc.record({ room: id, session: epoch, epoch, after: seq, upTo: seq, live: fc.boolean() }),
    bodies: fc.array(body, { maxLength: 5 }),
  }),
  fc.record({
    kind: fc.constant('control' as const),
    record: fc.record({
      c: fc.constant('fail' as const),
      ref: epoch,
      code: fc.constant('internal' as const),
      message: fc.string(),
    }),
  }),
);

function write(records: readonly Written[], writer = new GatewayStreamWriter(16)): Buffer {
  for (const r of records) {
    if (r.kind === 'message') writer.message(r.room, r.epoch, r.seq, r.body);
    else if (r.kind === 'ack') writer.ack(r.record);
    else if (r.kind === 'piece') writer.piece(r.header, r.bodies);
    else writer.control(r.record);
  }
  return writer.take();
}

const plain = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes);

function read(bytes: Uint8Array): Written[] {
  const records: Written[] = [];
  readGatewayStream(bytes, {
    message: (room, e, s, b) => records.push({ kind: 'message', room, epoch: e, seq: s, body: plain(b) }),
    ack: (r) => records.push({ kind: 'ack', record: r }),
    piece: (header, bodies) => records.push({ kind: 'piece', header, bodies: bodies.map(plain) }),
    control: (r) => records.push({ kind: 'control', record: r }),
  });
  return records;
}

// By name: what Node's Buffer throws is of another realm than the test's.
const rangeError = expect.objectContaining({ name: 'RangeError' }) as Error;

describe(`the stream to a gateway (SEED=${seed})`, () => {
  it('is read as it was written, whatever its buffer had to grow through', () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 20 }), (records) => {
        const normal = records.map((r) => (r.kind === 'message' ? { ...r, body: plain(r.body) } : r));
        expect(read(write(records))).toEqual(normal);
      }),
      { seed, numRuns: 300 },
    );
  });

  it('starts over after it was taken, and leaves what was taken alone', () => {
    const writer = new GatewayStreamWriter();
    const first: Written = { kind: 'message', room: 'a', epoch: 1, seq: 1, body: Uint8Array.of(1) };
    const second: Written = { kind: 'message', room: 'b', epoch: 2, seq: 2, body: Uint8Array.of(2, 2) };
    const taken = write([first], writer);
    expect(writer.length).toBe(0);
    expect(read(write([second], writer))).toEqual([second]);
    expect(read(taken)).toEqual([first]);
  });

  it('keeps seqs past 2^32 exact', () => {
    const far: Written = { kind: 'message', room: 'r', epoch: 1, seq: 2 ** 52 + 1, body: new Uint8Array() };
    expect(read(write([far]))).toEqual([far]);
  });

  it('throws a RangeError where it was cut off, and has read everything before', () => {
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 6 }), fc.nat(), (records, n) => {
        const bytes = write(records);
        const whole = write(records.slice(0, -1)).length;
        const cut = whole + 1 + (n % (bytes.length - whole - 1));
        expect(() => read(bytes.subarray(0, cut))).toThrow(rangeError);
      }),
      { seed, numRuns: 300 },
    );
  });

  it('throws nothing but a RangeError at garbage', () => {
    fc.assert(
      fc.property(
        fc.array(record, { maxLength: 3 }),
        fc.uint8Array({ maxLength: 60 }),
        fc.nat(),
        (records, noise, n) => {
          const bytes = write(records);
          const from = n % (bytes.length + 1);
          const spoilt = Buffer.concat([bytes.subarray(0, from), noise, bytes.subarray(from)]);
          try {
            read(spoilt);
          } catch (error) {
            expect(error).toEqual(rangeError);
          }
        },
      ),
      { seed, numRuns: 1_000 },
    );
  });
});
