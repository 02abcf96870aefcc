import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientSocket, SocketObserver } from './client-socket';
import type { PacedCommand, PacedResult } from './commands';
import { Coverage } from './coverage';
import { LatencyHistogram } from './latency.histogram';
import { nowUs } from './load.run';
import { MarkerReader, writeMarker } from './marker';
import type { SocketSet } from './socket-set';

const TICK_MS = 5;
const DRAIN_MS = 15_000;
const JOIN_MS = 20_000;

/** One publisher at a fixed rate, while some members do not read for a time and then read again. */
export class PacedRun implements SocketObserver {
  readonly #latency = new LatencyHistogram();
  readonly #markers = new MarkerReader();
  readonly #errors: Record<string, number> = {};
  readonly #stopped: ClientSocket[];
  readonly #coverage = new Map<ClientSocket, Coverage>();
  readonly #publisher: ClientSocket;
  #published = 0;
  #reached = 0;
  #ordinal = 0;
  /** The number of the newest message, as the publisher saw it come back. */
  #lastSeq = 0;

  constructor(
    private readonly set: SocketSet,
    private readonly command: PacedCommand,
    private readonly onPhase: (phase: 'stopped' | 'reading') => void,
  ) {
    this.#publisher = set.publishers[0] as ClientSocket;
    const others = set.sockets.filter((socket) => socket !== this.#publisher);
    const step = Math.max(1, Math.floor(others.length / Math.max(1, command.stopped)));
    this.#stopped = others.filter((_, i) => i % step === 0).slice(0, command.stopped);
    for (const socket of set.sockets) socket.wantsPayload = true;
    for (const socket of this.#stopped) this.#coverage.set(socket, new Coverage());
  }

  async run(): Promise<PacedResult> {
    const { command } = this;
    this.set.observe(this);
    await this.#settle();
    await this.#pace(command.warmSeconds);
    await this.#drain();
    this.#latency.reset();
    this.#published = this.#reached = 0;
    for (const coverage of this.#coverage.values()) coverage.restart();
    this.onPhase('stopped');
    for (const socket of this.#stopped) socket.pause();
    await this.#pace(command.seconds);
    await this.#drain();
    const latency = this.#latency.summary();
    const lost = this.#missing();
    this.onPhase('reading');
    for (const socket of this.#stopped) socket.resume();
    await this.#caughtUp();
    this.set.ignore();
    const catchUp = this.#stopped.map((s) => this.#of(s).summary(s.closed));
    return { published: this.#published, latency, lost, errors: this.#errors, catchUp };
  }

  delivered(): void {
    // Each socket is watched, so that deliveries are counted where they are told apart.
  }

  watched(socket: ClientSocket, buf: Buffer, start: number, end: number): void {
    if (!this.#markers.read(buf, start, end)) return;
    const { sentUs, ordinal } = this.#markers.found;
    const coverage = this.#coverage.get(socket);
    if (coverage === undefined) {
      this.#reached += 1;
      this.#latency.record(nowUs() - sentUs);
      if (socket === this.#publisher) this.#lastSeq = this.#number(ordinal, buf, start, end);
      return;
    }
    coverage.message(this.#number(ordinal, buf, start, end));
  }

  turnEnd(): void {
    // Nothing waits for an own message here: the rate is fixed.
  }

  gap(socket: ClientSocket, from: number, to: number): void {
    const coverage = this.#coverage.get(socket);
    if (coverage === undefined) this.#errors['gap'] = (this.#errors['gap'] ?? 0) + (to - from + 1);
    else coverage.gap(from, to);
  }

  error(_socket: ClientSocket, text: string): void {
    this.#errors[text] = (this.#errors[text] ?? 0) + 1;
  }

  #number(ordinal: number, buf: Buffer, start: number, end: number): number {
    return this.set.seqOf === undefined ? ordinal : this.set.seqOf(buf.toString('utf8', start, end));
  }

  #of(socket: ClientSocket): Coverage {
    return this.#coverage.get(socket) as Coverage;
  }

  #send(): void {
    const { bytes, marker } = this.set.template(this.command.lane, this.#publisher.room);
    const frame = Buffer.from(bytes);
    this.#published += 1;
    this.#ordinal += 1;
    writeMarker(frame, marker, { publisher: 0, sentUs: nowUs(), ordinal: this.#ordinal });
    this.#publisher.send(frame);
  }

  async #pace(seconds: number): Promise<void> {
    const start = performance.now();
    const total = seconds * this.command.perSecond;
    for (let sent = 0; sent < total;) {
      const due = Math.min(total, Math.floor(((performance.now() - start) / 1_000) * this.command.perSecond));
      for (; sent < due; sent += 1) this.#send();
      await sleep(TICK_MS);
    }
  }

  /** Goes on once one message has reached every member that is counted. */
  async #settle(): Promise<void> {
    const deadline = performance.now() + JOIN_MS;
    do {
      this.#published = this.#reached = 0;
      this.#send();
      await sleep(500);
    } while (this.#missing() > 0 && performance.now() < deadline);
    if (this.#missing() > 0) throw new Error(`not all members are reached: ${JSON.stringify(this.#errors)}`);
  }

  #missing(): number {
    return this.#published * (this.set.membersPerRoom - this.#stopped.length) - this.#reached;
  }

  async #drain(): Promise<void> {
    const deadline = performance.now() + DRAIN_MS;
    while (performance.now() < deadline && this.#missing() > 0) await sleep(10);
  }

  async #caughtUp(): Promise<void> {
    const deadline = performance.now() + this.command.catchUpMs;
    const behind = (): boolean => this.#stopped.some((s) => !s.closed && this.#of(s).last < this.#lastSeq);
    while (performance.now() < deadline && behind()) await sleep(20);
    // What is still missing at the deadline was neither delivered nor announced.
    for (const socket of this.#stopped) {
      const coverage = this.#of(socket);
      coverage.silent += Math.max(0, this.#lastSeq - coverage.last);
    }
  }
}
