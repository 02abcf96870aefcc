import { setTimeout as sleep } from 'node:timers/promises';
import { cpuSince, readCpu } from '../measure/cpu';
import type { ClientSocket, SocketObserver } from './client-socket';
import type { LoadCommand, LoadResult } from './commands';
import { LatencyHistogram } from './latency.histogram';
import { MarkerReader, writeMarker } from './marker';
import type { SocketSet } from './socket-set';

/** Of the members that do not publish, each 37th has its latencies taken. */
const SAMPLE_EVERY = 37;
const DRAIN_MS = 15_000;
const PROBE_TRIES = 12;
const PROBE_WAIT_MS = 250;
const RETRY_AFTER_ERROR_MS = 20;

/** Current time of the generator's own clock, in whole microseconds. */
export function nowUs(): number {
  return Math.round(performance.now() * 1_000);
}

/** Keeps `inFlight` messages of each publisher on the way, and counts what arrives. */
export class LoadRun implements SocketObserver {
  #delivered = 0;
  #published = 0;
  #running = false;
  readonly #latency = new LatencyHistogram();
  readonly #markers = new MarkerReader();
  readonly #errors: Record<string, number> = {};
  /** Own messages that came back in the current read, by publisher. */
  #returned = 0;
  readonly #active: ClientSocket[];

  constructor(
    private readonly set: SocketSet,
    private readonly command: LoadCommand,
  ) {
    this.#active = set.publishers.slice(0, command.publishersPerRoom * set.rooms);
    set.sockets.forEach((socket, i) => {
      socket.wantsPayload = this.#active.includes(socket) || i % SAMPLE_EVERY === 0;
    });
  }

  async run(): Promise<LoadResult> {
    const { command } = this;
    this.set.observe(this);
    await this.#probe();
    this.#running = true;
    for (const publisher of this.#active) this.#publish(publisher, command.inFlight);
    await sleep(command.warmMs);
    this.#latency.reset();
    const start = this.#mark();
    await sleep(command.windowMs);
    const end = this.#mark();
    const latency = this.#latency.summary();
    this.#running = false;
    const lost = await this.#drain();
    this.set.ignore();
    return {
      deliveries: end.delivered - start.delivered,
      published: end.published - start.published,
      seconds: (end.us - start.us) / 1e6,
      cpuMs: cpuSince(start.cpu, end.cpu),
      generatorCpuMs: end.ownCpuMs - start.ownCpuMs,
      latency,
      lost,
      errors: this.#errors,
    };
  }

  delivered(n: number): void {
    this.#delivered += n;
  }

  watched(socket: ClientSocket, buf: Buffer, start: number, end: number): void {
    if (!this.#markers.read(buf, start, end)) return;
    const { publisher, sentUs } = this.#markers.found;
    this.#latency.record(nowUs() - sentUs);
    if (publisher === socket.publisher) this.#returned += 1;
  }

  turnEnd(socket: ClientSocket): void {
    const count = this.#returned;
    this.#returned = 0;
    if (count > 0 && this.#running) this.#publish(socket, count);
  }

  gap(_socket: ClientSocket, from: number, to: number): void {
    this.#count('gap', to - from + 1);
  }

  error(socket: ClientSocket, text: string): void {
    this.#count(text, 1);
    // A refused message never comes back; its place in the window is filled after a pause.
    if (this.#running && socket.publisher >= 0 && !socket.closed) {
      this.#published -= 1;
      setTimeout(() => {
        if (this.#running) this.#publish(socket, 1);
      }, RETRY_AFTER_ERROR_MS).unref();
    }
  }

  #count(text: string, n: number): void {
    this.#errors[text] = (this.#errors[text] ?? 0) + n;
  }

  /** Sends `count` messages of one publisher in one write. */
  #publish(socket: ClientSocket, count: number): void {
    const { bytes, marker } = this.set.template(this.command.lane, socket.room);
    const frames = Buffer.allocUnsafe(bytes.length * count);
    const sentUs = nowUs();
    for (let i = 0; i < count; i += 1) {
      bytes.copy(frames, i * bytes.length);
      this.#published += 1;
      writeMarker(frames, i * bytes.length + marker, {
        publisher: socket.publisher,
        sentUs,
        ordinal: this.#published,
      });
    }
    socket.send(frames);
  }

  /** Attaching may end after the welcome: goes on once a message of each publisher has reached all members. */
  async #probe(): Promise<void> {
    for (let i = 0; i < PROBE_TRIES; i += 1) {
      await sleep(i === 0 ? 0 : PROBE_WAIT_MS);
      this.#delivered = 0;
      this.#published = 0;
      for (const publisher of this.#active) this.#publish(publisher, 1);
      const deadline = performance.now() + PROBE_WAIT_MS * 4;
      while (performance.now() < deadline && this.#missing() > 0) await sleep(5);
      if (this.#missing() === 0) return;
    }
    throw new Error(
      `not all members are reached; ${this.#missing()} missing; ${JSON.stringify(this.#errors)}`,
    );
  }

  async #drain(): Promise<number> {
    const deadline = performance.now() + DRAIN_MS;
    while (performance.now() < deadline && this.#missing() > 0) await sleep(10);
    return this.#missing();
  }

  #missing(): number {
    return this.#published * this.set.membersPerRoom - this.#delivered;
  }

  #mark(): {
    us: number;
    delivered: number;
    published: number;
    cpu: Record<string, number>;
    ownCpuMs: number;
  } {
    const own = process.cpuUsage();
    return {
      us: nowUs(),
      delivered: this.#delivered,
      published: this.#published,
      cpu: readCpu(this.command.pids),
      ownCpuMs: (own.user + own.system) / 1_000,
    };
  }
}
