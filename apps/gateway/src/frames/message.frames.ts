import { LRUCache } from 'lru-cache';
import type { PublishResult } from '@troupe/edge';
import { type Principal, type RoomsService, privateRoomId } from '@troupe/people';
import { type ClientFrameOf, TEXT_BYTES_MAX, TroupeError, encodeAck } from '@troupe/protocol';
import type { EdgeService } from '../edge/edge.service';
import type { Connection } from '../ws/connection';

/** Private rooms that are known to exist: about 100 bytes each. */
const KNOWN_ROOMS_MAX = 50_000;

/** `message`: publishes to a room, or to a user's private room, which is opened if need be. */
export class MessageFrames {
  private readonly known = new LRUCache<string, true>({ max: KNOWN_ROOMS_MAX });
  private readonly opening = new Map<string, Promise<void>>();

  constructor(
    private readonly edge: EdgeService,
    private readonly rooms: RoomsService,
    private readonly inFlightMax: number,
    private readonly nowMs: () => number,
  ) {}

  message(connection: Connection, frame: ClientFrameOf<'message'>): void | Promise<void> {
    const waitMs = connection.messageWaitMs(this.nowMs());
    if (waitMs > 0) throw new TroupeError('rate_limited', 'too many messages', waitMs);
    if (connection.inFlight >= this.inFlightMax) {
      throw new TroupeError('rate_limited', 'too many messages without an answer', RETRY_MS);
    }
    // Only long texts can be too long in bytes, so short ones are not measured.
    if (frame.text.length * 3 > TEXT_BYTES_MAX && Buffer.byteLength(frame.text) > TEXT_BYTES_MAX) {
      throw new TroupeError('too_large', `a text has at most ${TEXT_BYTES_MAX} bytes`);
    }
    if (frame.room !== undefined) return this.publish(connection, frame, frame.room);
    const { principal } = connection;
    if (frame.to === undefined || !principal) return;
    const room = privateRoomId(principal.id, frame.to);
    if (this.known.has(room)) return this.publish(connection, frame, room);
    return this.publishTo(connection, frame, principal, frame.to);
  }

  private async publishTo(
    connection: Connection,
    frame: ClientFrameOf<'message'>,
    principal: Principal,
    to: string,
  ): Promise<void> {
    const room = privateRoomId(principal.id, to);
    connection.inFlight++;
    try {
      await this.open(room, principal, to);
    } finally {
      connection.inFlight--;
    }
    this.publish(connection, frame, room);
  }

  /** All who want the room wait for the same opening, so that nobody's messages change places. */
  private open(room: string, principal: Principal, to: string): Promise<void> {
    const under = this.opening.get(room);
    if (under) return under;
    const opening = this.rooms
      .openPrivate(principal, to)
      .then(() => void this.known.set(room, true))
      .finally(() => this.opening.delete(room));
    this.opening.set(room, opening);
    return opening;
  }

  private publish(connection: Connection, frame: ClientFrameOf<'message'>, room: string): void {
    const { text, data, clientId } = frame;
    connection.inFlight++;
    this.edge.post({ room, from: connection.user, text, data, clientId }, (result) => {
      connection.inFlight--;
      answer(connection, frame, room, result);
    });
  }
}

const RETRY_MS = 100;

function answer(
  connection: Connection,
  frame: ClientFrameOf<'message'>,
  room: string,
  result: PublishResult,
): void {
  const { id, clientId } = frame;
  if ('code' in result) {
    const retry = result.retryAfterMs === undefined ? {} : { retryAfterMs: result.retryAfterMs };
    return connection.fail(result.code, result.message, { id, ...retry });
  }
  connection.sendJson(
    encodeAck({ id, room, seq: result.seq, messageId: result.id, at: result.at, clientId }),
  );
}
