import type { CpuByRole } from '../measure/cpu';
import type { LatencySummary } from './latency.histogram';

/** Which protocol the generator's sockets speak. */
export type DriverName = 'plain' | 'socketio' | 'nats' | 'troupe';

export interface Endpoint {
  host: string;
  port: number;
}

/**
 * A set of sockets: `rooms` groups of `membersPerRoom` members each.
 * A lane is one choice of rooms for the same sockets: durable ones and others, say.
 */
export interface ConnectCommand {
  driver: DriverName;
  /** Member `m` of room `r` connects to endpoint `(r + m) mod n`. */
  endpoints: Endpoint[];
  rooms: number;
  membersPerRoom: number;
  /** Publishers per room, spread over its members; the last member is always one. */
  publishersPerRoom: number;
  /** Room ids by lane, then by room index. */
  lanes: Record<string, string[]>;
  /** Bearer tokens by room index; member `m` takes the `m mod n`-th. Empty where the peer has none. */
  tokens: string[][];
  textBytes: number;
}

/** Closed loop: each publisher keeps `inFlight` messages on the way until its own copy has come back. */
export interface LoadCommand {
  lane: string;
  /** How many of the publishers of each room publish; the others only read. */
  publishersPerRoom: number;
  inFlight: number;
  warmMs: number;
  windowMs: number;
  /** Server processes by role; each is counted with all of its children. */
  pids: Record<string, number[]>;
}

export interface LoadResult {
  deliveries: number;
  published: number;
  seconds: number;
  /** CPU milliseconds of the window by role of the server process. */
  cpuMs: CpuByRole;
  generatorCpuMs: number;
  latency: LatencySummary;
  /** Deliveries that had not arrived when the run was drained: must be 0. */
  lost: number;
  /** Errors that the server answered with, by text, and gaps that it announced. */
  errors: Record<string, number>;
}

/** Open loop: one publisher at a fixed rate while some members do not read. */
export interface PacedCommand {
  lane: string;
  perSecond: number;
  /** Seconds of ordinary traffic before anybody stops reading. */
  warmSeconds: number;
  seconds: number;
  /** How many members stop reading for the time of the run. */
  stopped: number;
  /** How long the stopped ones have to catch up once they read again, in milliseconds. */
  catchUpMs: number;
}

/** What one member that had stopped got once it read again. */
export interface CatchUp {
  received: number;
  /** Messages that the server said it had dropped. */
  announced: number;
  gaps: number;
  /** Messages that are neither: silent loss. */
  silent: number;
  /** Messages that came twice or out of order. */
  disordered: number;
  closed: boolean;
}

export interface PacedResult {
  published: number;
  /** Latency at the members that never stopped. */
  latency: LatencySummary;
  /** Deliveries that readers who never stopped still lacked at the end: must be 0. */
  lost: number;
  errors: Record<string, number>;
  catchUp: CatchUp[];
}

export type GeneratorCommand =
  | ({ kind: 'connect' } & ConnectCommand)
  | ({ kind: 'load' } & LoadCommand)
  | ({ kind: 'paced' } & PacedCommand)
  | { kind: 'close' };

export type GeneratorReply =
  | { kind: 'connected'; sockets: number; ms: number }
  | ({ kind: 'loaded' } & LoadResult)
  /** Sent in the middle of a paced run: the members have stopped, or read again. */
  | { kind: 'phase'; phase: 'stopped' | 'reading' }
  | ({ kind: 'paced' } & PacedResult)
  | { kind: 'closed' }
  | { kind: 'failed'; message: string };
