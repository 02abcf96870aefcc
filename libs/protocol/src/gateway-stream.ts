import type { ErrorCode } from './codes';
import type { GapReason } from './server-frames';

/**
 * The stream from the actors to one edge: a sequence of binary records, all of one turn in one bus message.
 * A record is `u8 kind, u32 length, body`. Numbers are little-endian; seqs are float64 (they pass 2^32).
 *
 * | kind | body |
 * | --- | --- |
 * | 1 message | u8 room length, room, u32 epoch, f64 seq, the `message` frame's JSON |
 * | 2 ack | u32 ref, f64 seq, u8 duplicate, 36 bytes id, 24 bytes at |
 * | 3 piece | u32 header length, header JSON ({@link PieceHeader}), then per message u32 length and the frame's JSON |
 * | 4 control | JSON ({@link ControlRecord}) |
 */
const KIND_MESSAGE = 1;
const KIND_ACK = 2;
const KIND_PIECE = 3;
const KIND_CONTROL = 4;
const RECORD_HEADER = 5;
const ID_LENGTH = 36;
const AT_LENGTH = 24;

/** A run of messages for one session whose mailbox is being read. */
export interface PieceHeader {
  room: string;
  session: number;
  epoch: number;
  /** Where the session was when it asked: the edge ignores a piece that does not begin where the session is now. */
  after: number;
  /** Seqs that are not coming, announced before the messages. */
  gap?: { from: number; to: number; reason: GapReason };
  /** Everything up to this seq is now told; where the session continues. */
  upTo: number;
  /** The session is live again: it gets the room's stream after `upTo`. */
  live: boolean;
}

export type ControlRecord =
  /**
   * The edge's sessions are attached, `sessions` in all; its stream of the room continues after `head`
   * (−1: the room sleeps, head unknown).
   */
  | { c: 'attached'; room: string; epoch: number; head: number; sessions: number; serial?: number }
  /** The room has gone quiet: by now the edge has everything up to `head`, or it has lost something. */
  | { c: 'head'; room: string; epoch: number; head: number; sessions: number }
  /** A frame for every session of the room, as JSON text; not for those of the user `except`. */
  | { c: 'event'; room: string; frame: string; except?: string }
  /** The whole edge missed these (a room that is not durable, after its pod died). */
  | { c: 'gap'; room: string; epoch: number; from: number; to: number; reason: GapReason }
  | { c: 'fail'; ref: number; code: ErrorCode; message: string; retryAfterMs?: number }
  /** Done: a member or reload command. */
  | { c: 'done'; ref: number; head: number }
  /**
   * This pod does not own the partition (any more): ask again on the partition's subject.
   * With `epoch`: it does own it, under a later epoch than the edge knew.
   */
  | { c: 'moved'; partition: number; refs: number[]; epoch?: number }
  /** The room is set to disconnect instead of dropping, and this session's mailbox is full. */
  | { c: 'overflow'; room: string; session: number };

export interface AckRecord {
  ref: number;
  seq: number;
  duplicate: boolean;
  id: string;
  at: string;
}

/** Collects one turn's records for one edge. */
export class GatewayStreamWriter {
  private bytes: Buffer;
  private used = 0;

  constructor(initialBytes = 4_096) {
    this.bytes = Buffer.allocUnsafe(initialBytes);
  }

  get length(): number {
    return this.used;
  }

  message(room: string, epoch: number, seq: number, body: Uint8Array): void {
    const length = 1 + room.length + 4 + 8 + body.length;
    let at = this.open(KIND_MESSAGE, length);
    at = this.bytes.writeUInt8(room.length, at);
    at += this.bytes.write(room, at, 'latin1');
    at = this.bytes.writeUInt32LE(epoch, at);
    at = this.bytes.writeDoubleLE(seq, at);
    this.bytes.set(body, at);
    this.wrote();
  }

  ack(a: AckRecord): void {
    let at = this.open(KIND_ACK, 4 + 8 + 1 + ID_LENGTH + AT_LENGTH);
    at = this.bytes.writeUInt32LE(a.ref, at);
    at = this.bytes.writeDoubleLE(a.seq, at);
    at = this.bytes.writeUInt8(a.duplicate ? 1 : 0, at);
    at += this.bytes.write(a.id, at, ID_LENGTH, 'latin1');
    this.bytes.write(a.at, at, AT_LENGTH, 'latin1');
    this.wrote();
  }

  piece(header: PieceHeader, bodies: readonly Uint8Array[]): void {
    const head = Buffer.from(JSON.stringify(header));
    let length = 4 + head.length;
    for (const body of bodies) length += 4 + body.length;
    let at = this.open(KIND_PIECE, length);
    at = this.bytes.writeUInt32LE(head.length, at);
    this.bytes.set(head, at);
    at += head.length;
    for (const body of bodies) {
      at = this.bytes.writeUInt32LE(body.length, at);
      this.bytes.set(body, at);
      at += body.length;
    }
    this.wrote();
  }

  control(record: ControlRecord): void {
    const json = Buffer.from(JSON.stringify(record));
    // Opened first: opening may put a larger buffer into the place of the one that is written to.
    const at = this.open(KIND_CONTROL, json.length);
    this.bytes.set(json, at);
    this.wrote();
  }

  /** Called after each record; what sends the stream hooks in here. */
  protected wrote(): void {
    return;
  }

  /** Gives the bytes collected so far and starts over. */
  take(): Buffer {
    const out = this.bytes.subarray(0, this.used);
    this.bytes = Buffer.allocUnsafe(Math.min(65_536, Math.max(1_024, this.used)));
    this.used = 0;
    return out;
  }

  private open(kind: number, length: number): number {
    const need = this.used + RECORD_HEADER + length;
    if (need > this.bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(need, this.bytes.length * 2));
      this.bytes.copy(larger, 0, 0, this.used);
      this.bytes = larger;
    }
    this.bytes.writeUInt8(kind, this.used);
    this.bytes.writeUInt32LE(length, this.used + 1);
    const body = this.used + RECORD_HEADER;
    this.used = need;
    return body;
  }
}

export interface GatewayStreamReader {
  /** `body` is a view of the received bytes. */
  message(room: string, epoch: number, seq: number, body: Buffer): void;
  ack(record: AckRecord): void;
  piece(header: PieceHeader, bodies: Buffer[]): void;
  control(record: ControlRecord): void;
}

/** Reads all records of one bus message, in order. Throws a RangeError at bytes that are not such records. */
export function readGatewayStream(payload: Uint8Array, reader: GatewayStreamReader): void {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  let at = 0;
  while (at < bytes.length) {
    const kind = bytes.readUInt8(at);
    const end = at + RECORD_HEADER + bytes.readUInt32LE(at + 1);
    within(end, bytes.length);
    readRecord(bytes, kind, at + RECORD_HEADER, end, reader);
    at = end;
  }
}

function readRecord(
  bytes: Buffer,
  kind: number,
  start: number,
  end: number,
  reader: GatewayStreamReader,
): void {
  switch (kind) {
    case KIND_MESSAGE: {
      const roomEnd = start + 1 + bytes.readUInt8(start);
      within(roomEnd + 12, end);
      const room = bytes.toString('latin1', start + 1, roomEnd);
      reader.message(
        room,
        bytes.readUInt32LE(roomEnd),
        bytes.readDoubleLE(roomEnd + 4),
        bytes.subarray(roomEnd + 12, end),
      );
      return;
    }
    case KIND_ACK: {
      const idAt = start + 13;
      within(idAt + ID_LENGTH + AT_LENGTH, end);
      reader.ack({
        ref: bytes.readUInt32LE(start),
        seq: bytes.readDoubleLE(start + 4),
        duplicate: bytes.readUInt8(start + 12) === 1,
        id: bytes.toString('latin1', idAt, idAt + ID_LENGTH),
        at: bytes.toString('latin1', idAt + ID_LENGTH, idAt + ID_LENGTH + AT_LENGTH),
      });
      return;
    }
    case KIND_PIECE: {
      const headEnd = start + 4 + bytes.readUInt32LE(start);
      within(headEnd, end);
      const header = parseJson<PieceHeader>(bytes, start + 4, headEnd);
      const bodies: Buffer[] = [];
      for (let at = headEnd; at < end;) {
        const bodyEnd = at + 4 + bytes.readUInt32LE(at);
        within(bodyEnd, end);
        bodies.push(bytes.subarray(at + 4, bodyEnd));
        at = bodyEnd;
      }
      reader.piece(header, bodies);
      return;
    }
    case KIND_CONTROL:
      reader.control(parseJson<ControlRecord>(bytes, start, end));
      return;
    default:
      throw new RangeError(`unknown record kind ${kind}`);
  }
}

/** Views of a buffer are cut off at its end without a word, so what a record claims to hold is compared first. */
function within(at: number, end: number): void {
  if (at > end) throw new RangeError('truncated record');
}

function parseJson<T>(bytes: Buffer, start: number, end: number): T {
  try {
    return JSON.parse(bytes.toString('utf8', start, end)) as T;
  } catch (error) {
    throw new RangeError('a record that is not JSON', { cause: error });
  }
}
