import type { ClientFrame, ErrorCode, ServerFrame, ServerFrameType } from '@troupe/protocol';
import { WebSocket } from 'ws';
import type { HistoryRecorder } from '../history/history.recorder';
import { SessionRecorder } from '../history/session.recorder';
import { withinMs } from '../servers/until';
import { FrameLog, type FrameOf } from './frame.log';

export interface TestClientOptions {
  /** `ws://127.0.0.1:3000/v1/ws`. */
  url: string;
  token?: string;
  /** Default `hello`: in the first frame. `header`: in Authorization, with the upgrade. */
  tokenIn?: 'hello' | 'header';
  device?: string;
  resume?: Record<string, number>;
  headers?: Record<string, string>;
  /** Default `troupe.v1`. */
  subprotocols?: string[];
  /** Notes what this session does and sees. */
  recorder?: HistoryRecorder;
  /** Default true. False: frames are not stored, for long runs. */
  keepFrames?: boolean;
  /** For opening the socket, and for `welcome`. Default 5,000. */
  deadlineMs?: number;
}

export interface SocketClose {
  code: number;
  reason: string;
}

/** A frame was answered with `error`. */
export class Refused extends Error {
  override readonly name = 'Refused';

  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly retryAfterMs: number | undefined,
  ) {
    super(`${code}: ${message}`);
  }
}

/** The upgrade was answered with an ordinary HTTP response. */
export class UpgradeRefused extends Error {
  override readonly name = 'UpgradeRefused';

  constructor(readonly status: number) {
    super(`the upgrade was answered with ${status}`);
  }
}

type Reply = ServerFrame & { id?: string };
const DEADLINE_MS = 5_000;
let sessions = 0;

/** One session of a user, as an ordinary client has it. */
export class TestClient {
  readonly log: FrameLog;
  /** Names the session in recorded histories. */
  readonly label = `session-${++sessions}`;
  /** Resolves when the socket is closed, by whomever. Never rejects. */
  readonly closed: Promise<SocketClose>;
  private readonly recorder: SessionRecorder | null;
  private readonly seen = new Map<string, number>();
  private frames = 0;

  private constructor(
    private readonly socket: WebSocket,
    private readonly options: TestClientOptions,
  ) {
    this.log = new FrameLog(options.keepFrames ?? true);
    this.recorder = options.recorder ? new SessionRecorder(options.recorder, this.label) : null;
    socket.on('message', (data: Buffer) => this.receive(JSON.parse(data.toString('utf8')) as ServerFrame));
    this.closed = new Promise((resolve) => {
      socket.once('close', (code, reason) => {
        this.recorder?.closed();
        this.log.end(new Error(`the socket was closed with ${code} ${reason.toString('utf8')}`));
        resolve({ code, reason: reason.toString('utf8') });
      });
    });
  }

  /** Opens a socket and says nothing. Throws {@link UpgradeRefused}, or when it is not open in time. */
  static async open(options: TestClientOptions): Promise<TestClient> {
    const authorization =
      options.token !== undefined && options.tokenIn === 'header'
        ? { authorization: `Bearer ${options.token}` }
        : {};
    const socket = new WebSocket(options.url, options.subprotocols ?? ['troupe.v1'], {
      headers: { ...authorization, ...options.headers },
      perMessageDeflate: false,
      handshakeTimeout: options.deadlineMs ?? DEADLINE_MS,
    });
    const client = new TestClient(socket, options);
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve);
      socket.on('error', reject);
      socket.once('unexpected-response', (request, response) => {
        response.resume();
        request.destroy();
        reject(new UpgradeRefused(response.statusCode ?? 0));
      });
    });
    return client;
  }

  /** Opens a socket, says `hello` and waits for `welcome`. */
  static async connect(options: TestClientOptions): Promise<TestClient> {
    const client = await TestClient.open(options);
    await client.hello();
    return client;
  }

  get isOpen(): boolean {
    return this.socket.readyState === WebSocket.OPEN;
  }

  async hello(): Promise<FrameOf<'welcome'>> {
    const { token, tokenIn, device, resume, deadlineMs } = this.options;
    const hello: ClientFrame = {
      type: 'hello',
      ...(token !== undefined && tokenIn !== 'header' ? { token } : {}),
      ...(device === undefined ? {} : { device }),
      ...(resume === undefined ? {} : { resume }),
    };
    return this.ask('welcome', hello, deadlineMs);
  }

  send(frame: ClientFrame): void {
    this.recorder?.sent(frame);
    this.socket.send(JSON.stringify(frame));
  }

  /** Sends a text frame that need not be a frame of the protocol. */
  sendText(text: string): void {
    this.socket.send(text);
  }

  sendBinary(bytes: Uint8Array): void {
    this.socket.send(bytes, { binary: true });
  }

  /** Sends a frame under an `id` of its own and gives the reply. Throws {@link Refused} when that is an error. */
  async ask<T extends ServerFrameType>(
    type: T,
    frame: ClientFrame,
    deadlineMs = DEADLINE_MS,
  ): Promise<FrameOf<T>> {
    const id = frame.id ?? `f${++this.frames}`;
    const reply = this.log.nextWhere(
      `${type} in reply to ${frame.type} ${id}`,
      (f): f is ServerFrame => (f.type === type || f.type === 'error') && (f as Reply).id === id,
      deadlineMs,
    );
    this.send({ ...frame, id });
    const answer = await reply;
    if (answer.type === 'error') throw new Refused(answer.code, answer.message, answer.retryAfterMs);
    return answer as FrameOf<T>;
  }

  /** Publishes and gives the ack. Throws {@link Refused}. */
  publish(
    message: { room: string; text: string; clientId?: string; data?: { [key: string]: unknown } },
    deadlineMs?: number,
  ): Promise<FrameOf<'ack'>> {
    return this.ask('ack', { type: 'message', ...message }, deadlineMs);
  }

  next<T extends ServerFrameType>(
    type: T,
    where?: (frame: FrameOf<T>) => boolean,
    deadlineMs?: number,
  ): Promise<FrameOf<T>> {
    return this.log.next(type, where, deadlineMs);
  }

  /** Stops reading from the network: what the server sends fills the buffers on the way. */
  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  /** The highest seq that this session was told of in each room, by message or by gap. */
  lastSeqs(): Record<string, number> {
    return Object.fromEntries(this.seen);
  }

  /** Opens a new session that asks for what came after this one's last seqs. */
  reconnect(options: Partial<TestClientOptions> = {}): Promise<TestClient> {
    return TestClient.connect({ ...this.options, resume: this.lastSeqs(), ...options });
  }

  /** Closes in an orderly way and waits for it; after 2 s without answer the socket is cut. */
  async close(): Promise<SocketClose> {
    this.socket.resume();
    this.socket.close(1000);
    if ((await withinMs(this.closed, 2_000)) === null) this.socket.terminate();
    return this.closed;
  }

  /** Cuts the connection without a word. */
  terminate(): Promise<SocketClose> {
    this.socket.terminate();
    return this.closed;
  }

  /** Resolves when the socket is closed; rejects after the deadline. */
  async untilClosed(deadlineMs = DEADLINE_MS): Promise<SocketClose> {
    const closed = await withinMs(this.closed, deadlineMs);
    if (closed === null) throw new Error(`the socket is still open after ${deadlineMs} ms`);
    return closed;
  }

  private receive(frame: ServerFrame): void {
    if (frame.type === 'message') this.saw(frame.room, frame.seq);
    if (frame.type === 'gap') this.saw(frame.room, frame.to);
    this.recorder?.received(frame);
    this.log.push(frame);
  }

  private saw(room: string, seq: number): void {
    this.seen.set(room, Math.max(seq, this.seen.get(room) ?? 0));
  }
}
