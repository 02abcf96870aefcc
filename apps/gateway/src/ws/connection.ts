import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { TokenBucket } from '@troupe/actor-core';
import type { EdgeSession, Subscription } from '@troupe/edge';
import type { Principal } from '@troupe/people';
import { CloseCode, type ErrorCode, type MembershipNotice, type ServerFrame } from '@troupe/protocol';
import type { WebSocket } from 'ws';
import type { ConnectionSettings } from './connection.settings';
import { type FlushQueue, SocketOutlet } from './socket-outlet';
import { textFrameOf } from './text-frame';

/** `new`: no hello yet · `opening`: hello is being worked on · `open` · `closed`. */
export type ConnectionState = 'new' | 'opening' | 'open' | 'closed';

export interface ConnectionEvents {
  frame(connection: Connection, text: string): void;
  drained(connection: Connection): void;
  closed(connection: Connection): void;
  rejected(code: ErrorCode): void;
}

export interface ConnectionParts {
  webSocket: WebSocket;
  socket: Duplex & { readonly bytesRead?: number };
  request: IncomingMessage;
  no: number;
  nowMs: number;
}

const BAD_FRAMES_WINDOW_MS = 60_000;

/** One client's socket: its state, its limits, and its way out. */
export class Connection implements EdgeSession {
  readonly no: number;
  readonly outlet: SocketOutlet;
  readonly subscriptions = new Map<string, Subscription>();
  catching: Subscription | null = null;
  state: ConnectionState = 'new';
  /** Set once the token has been verified; before that nobody is asked anything in its name. */
  principal: Principal | null = null;
  /** The bearer token of the upgrade request, if there was one, until it has been verified. */
  upgradeToken: string | null;
  /** The id in `welcome` and in presence. */
  sessionId = '';
  device: string | undefined;
  /** Publishes without an answer. */
  inFlight = 0;
  /** Rooms that a frame of this session is about, and the newest notice that came meanwhile: the frame is answered first. */
  readonly inWork = new Map<string, { frames: number; notice: MembershipNotice | null }>();
  /** Rooms read without being a member, and rooms of one's own that this session does not want. */
  readonly guestOf = new Set<string>();
  readonly leftRooms = new Set<string>();
  /** Membership changes that came while the session was opening. */
  late: MembershipNotice[] = [];
  readonly openedAtMs: number;
  private lastHeardMs: number;
  private pingSentMs = 0;
  /** Since when something has been waiting and nothing of it was taken; 0 while nothing waits. */
  private stuckSinceMs = 0;
  private sentBytesSeen = 0;
  /** When the newest bad frames came, oldest first. */
  private readonly badFramesAtMs: number[] = [];
  private bytesAtFrame = 0;
  private sentBytesAtFrame = 0;
  private unfinishedSinceMs = 0;
  private frames: TokenBucket | null = null;
  private messages: TokenBucket | null = null;
  private readonly webSocket: WebSocket;
  private readonly socket: ConnectionParts['socket'];

  constructor(
    parts: ConnectionParts,
    private readonly settings: ConnectionSettings,
    private readonly events: ConnectionEvents,
    flushes: FlushQueue,
  ) {
    this.no = parts.no;
    this.webSocket = parts.webSocket;
    this.socket = parts.socket;
    this.openedAtMs = parts.nowMs;
    this.lastHeardMs = parts.nowMs;
    this.bytesAtFrame = parts.socket.bytesRead ?? 0;
    this.upgradeToken = bearerOf(parts.request);
    this.outlet = new SocketOutlet(parts.socket, settings.outlet, flushes, () => this.closeSlow());
  }

  get user(): string {
    return this.principal?.id ?? '';
  }

  // ── Out ───────────────────────────────────────────────────────────────────────────────────────────────────────

  send(frame: ServerFrame): void {
    this.sendJson(JSON.stringify(frame));
  }

  sendJson(json: string): void {
    if (this.state !== 'closed') this.outlet.control(textFrameOf(json));
  }

  fail(
    code: ErrorCode,
    message: string,
    extra: { id?: string | undefined; retryAfterMs?: number } = {},
  ): void {
    this.events.rejected(code);
    const id = extra.id === undefined ? {} : { id: extra.id };
    const retry = extra.retryAfterMs === undefined ? {} : { retryAfterMs: extra.retryAfterMs };
    this.send({ type: 'error', ...id, code, message, ...retry });
  }

  /** Asks the client to come back elsewhere after a while. */
  bye(retryAfterMs: number): void {
    if (this.state === 'closed') return;
    this.send({ type: 'bye', reason: 'restart', retryAfterMs: Math.round(retryAfterMs) });
    this.close(CloseCode.restart, 'restart');
  }

  /** Sends what is queued, then the close frame. Nothing that comes afterwards is looked at. */
  close(code: CloseCode, reason: string): void {
    if (this.state === 'closed') return;
    this.end();
    this.outlet.finish();
    this.webSocket.close(code, reason);
  }

  /** Ends a socket that takes nothing any more; a close frame would only queue behind the rest. */
  private closeSlow(): void {
    if (this.state === 'closed') return;
    this.end();
    this.outlet.abandon();
    this.webSocket.close(CloseCode.slow, 'slow');
  }

  // ── In ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Handles one data frame from the client, at `nowMs`. */
  receive(data: Buffer, isBinary: boolean, nowMs: number): void {
    this.heard(nowMs);
    if (this.state === 'closed' || !this.admit(nowMs)) return;
    if (isBinary) {
      this.fail('bad_frame', 'binary frames are not understood');
      return this.close(CloseCode.binary, 'text frames only');
    }
    this.events.frame(this, data.toString());
  }

  /** Handles a ping: answered, and counted like any frame. */
  receivePing(data: Buffer, nowMs: number): void {
    this.heard(nowMs);
    // Who does not read gets no pong either: it would only queue.
    if (this.state !== 'closed' && this.admit(nowMs) && this.outlet.writable) this.webSocket.pong(data);
  }

  /** Handles a pong: asked for or not, it is a frame. */
  receivePong(nowMs: number): void {
    this.heard(nowMs);
    if (this.state !== 'closed') this.admit(nowMs);
  }

  /** `ws` found the frame to be no WebSocket frame, or too large; it closes with the code of the RFC by itself. */
  broken(code: string): void {
    if (!code.startsWith('WS_ERR_')) return;
    this.events.rejected(code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH' ? 'too_large' : 'bad_frame');
  }

  drained(): void {
    this.stuckSinceMs = 0;
    if (this.state !== 'closed') this.events.drained(this);
  }

  /** The socket is gone. */
  gone(): void {
    this.end();
  }

  /** Counts a frame that could not be read; closes at the limit. */
  countBadFrame(nowMs: number): void {
    const times = this.badFramesAtMs;
    if (times.push(nowMs) < this.settings.badFramesMax) return;
    const [oldest = nowMs] = times.splice(0, 1);
    if (nowMs - oldest <= BAD_FRAMES_WINDOW_MS) this.close(CloseCode.badFrames, 'too many bad frames');
  }

  /** Milliseconds to wait before the next message, or 0 if one may be sent now. */
  messageWaitMs(nowMs: number): number {
    const { messagesPerSecond, messagesBurst } = this.settings;
    this.messages ??= new TokenBucket(messagesPerSecond, messagesBurst, nowMs);
    return this.messages.take(nowMs) ? 0 : Math.max(1, this.messages.waitMs());
  }

  // ── Time ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Looks after deadlines; called about once a second. `wallMs` is for the token, which speaks in wall time. */
  tick(nowMs: number, wallMs: number): void {
    if (this.state === 'closed') return;
    const { helloTimeoutMs, fragmentTimeoutMs } = this.settings;
    if (this.state === 'new' && nowMs - this.openedAtMs >= helloTimeoutMs) {
      return this.close(CloseCode.noHello, 'no hello in time');
    }
    if (this.principal && wallMs >= this.principal.expiresAtMs) {
      this.fail('unauthenticated', 'the token has expired');
      return this.close(CloseCode.unauthenticated, 'the token has expired');
    }
    if (this.isUnfinished(nowMs, fragmentTimeoutMs)) {
      this.fail('bad_frame', 'a frame was not finished in time');
      return this.close(CloseCode.badFrames, 'a frame was not finished in time');
    }
    this.checkAlive(nowMs);
  }

  /**
   * A silent client is pinged, and dropped if it stays silent. One that has not read what it was sent cannot have read
   * the ping either: it is slow, not gone, and has more time.
   */
  private checkAlive(nowMs: number): void {
    const { heartbeatMs, pongTimeoutMs, slowCloseMs } = this.settings;
    const silentMs = nowMs - this.lastHeardMs;
    if (this.outlet.unsentBytes > 0) {
      this.pingSentMs = 0;
      const { sentBytes } = this.outlet;
      // Less than before is no progress either: `ws` has queued a pong of its own behind the rest.
      if (this.stuckSinceMs === 0 || sentBytes > this.sentBytesSeen) this.stuckSinceMs = nowMs;
      else if (nowMs - this.stuckSinceMs >= slowCloseMs) this.closeSlow();
      this.sentBytesSeen = sentBytes;
      return;
    }
    this.stuckSinceMs = 0;
    if (silentMs < heartbeatMs) return;
    if (this.pingSentMs <= this.lastHeardMs) {
      this.pingSentMs = nowMs;
      this.webSocket.ping();
      return;
    }
    if (nowMs - this.pingSentMs < pongTimeoutMs) return;
    // What was sent since may all lie in the kernel's buffers, and the ping behind it, with a client that has merely
    // stopped reading.
    if (this.outlet.sentBytes === this.sentBytesAtFrame) this.terminate();
    else if (silentMs >= slowCloseMs) this.closeSlow();
  }

  /** Drops the socket without a close frame: nobody is there to read it. */
  terminate(): void {
    this.end();
    this.webSocket.terminate();
  }

  private heard(nowMs: number): void {
    this.lastHeardMs = nowMs;
    this.bytesAtFrame = this.socket.bytesRead ?? 0;
    this.sentBytesAtFrame = this.outlet.sentBytes;
    this.unfinishedSinceMs = 0;
  }

  private admit(nowMs: number): boolean {
    const { framesPerSecond, framesBurst } = this.settings;
    this.frames ??= new TokenBucket(framesPerSecond, framesBurst, nowMs);
    if (this.frames.take(nowMs)) return true;
    this.fail('rate_limited', 'too many frames');
    this.close(CloseCode.flooding, 'too many frames');
    return false;
  }

  /** Bytes have come since the last whole frame, and nothing has come of them for too long. */
  private isUnfinished(nowMs: number, timeoutMs: number): boolean {
    if ((this.socket.bytesRead ?? 0) === this.bytesAtFrame) return false;
    if (this.unfinishedSinceMs === 0) this.unfinishedSinceMs = nowMs;
    return nowMs - this.unfinishedSinceMs >= timeoutMs;
  }

  private end(): void {
    if (this.state === 'closed') return;
    this.state = 'closed';
    this.events.closed(this);
  }
}

function bearerOf(request: IncomingMessage): string | null {
  const match = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '');
  return match?.[1] ?? null;
}
