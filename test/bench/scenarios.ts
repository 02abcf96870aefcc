import type { BenchName } from './options';
import type { Shape, SystemName } from './systems';

/** One system in one lane: what a line of the results is about. */
export interface Contender {
  system: SystemName;
  lane: string;
  title: string;
}

export const CONTENDERS: readonly Contender[] = [
  { system: 'ws-loop', lane: 'main', title: '`ws`, send loop' },
  { system: 'ws-frame-once', lane: 'main', title: '`ws`, frame built once' },
  { system: 'node-turn', lane: 'main', title: 'Node, one write per socket and turn' },
  { system: 'socketio', lane: 'main', title: 'Socket.IO' },
  { system: 'socketio-redis', lane: 'main', title: 'Socket.IO, Redis adapter, 2 processes' },
  { system: 'nats', lane: 'main', title: 'nats-server, own WebSocket' },
  { system: 'troupe-embedded', lane: 'volatile', title: 'Troupe embedded' },
  { system: 'troupe-embedded', lane: 'durable', title: 'Troupe embedded, durable' },
  { system: 'troupe-distributed', lane: 'volatile', title: 'Troupe distributed' },
  { system: 'troupe-distributed', lane: 'durable', title: 'Troupe distributed, durable' },
];

/** At most `ratio` times what the peer needs per delivery. */
export interface Target {
  of: { system: SystemName; lane: string };
  peer: SystemName;
  ratio: number;
}

export interface Scenario {
  name: BenchName;
  title: string;
  shape: Shape;
  publishersPerRoom: number;
  inFlight: number;
  targets: readonly Target[];
}

const LARGE: Shape = { rooms: 1, membersPerRoom: 1_000 };
const SMALL: Shape = { rooms: 100, membersPerRoom: 10 };
export const TEXT_BYTES = 200;
/** Publishers that sockets are reserved for in each shape. */
export const PUBLISHERS_MAX = (shape: Shape): number => (shape.rooms === 1 ? 64 : 1);

const embedded = { system: 'troupe-embedded', lane: 'volatile' } as const;
const embeddedDurable = { system: 'troupe-embedded', lane: 'durable' } as const;
const distributed = { system: 'troupe-distributed', lane: 'volatile' } as const;
const distributedDurable = { system: 'troupe-distributed', lane: 'durable' } as const;

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'broadcast-1',
    title: 'One room, 1,000 members, one message in flight',
    shape: LARGE,
    publishersPerRoom: 1,
    inFlight: 1,
    targets: [
      { of: embedded, peer: 'ws-loop', ratio: 0.9 },
      { of: embeddedDurable, peer: 'ws-loop', ratio: 1.1 },
      { of: distributed, peer: 'ws-loop', ratio: 1.0 },
      { of: distributedDurable, peer: 'ws-loop', ratio: 1.1 },
    ],
  },
  {
    name: 'broadcast-64',
    title: 'One room, 1,000 members, one publisher with 64 messages in flight',
    shape: LARGE,
    publishersPerRoom: 1,
    inFlight: 64,
    targets: [
      { of: embedded, peer: 'socketio', ratio: 0.03 },
      { of: distributed, peer: 'socketio', ratio: 0.06 },
      { of: distributed, peer: 'nats', ratio: 1 },
    ],
  },
  {
    name: 'broadcast-64-publishers',
    title: 'One room, 1,000 members, 64 publishers with one message in flight each',
    shape: LARGE,
    publishersPerRoom: 64,
    inFlight: 1,
    targets: [],
  },
  {
    name: 'rooms-1',
    title: '100 rooms × 10 members, 100 publishers with one message in flight each',
    shape: SMALL,
    publishersPerRoom: 1,
    inFlight: 1,
    targets: [
      { of: embedded, peer: 'socketio', ratio: 0.85 },
      { of: distributed, peer: 'socketio-redis', ratio: 0.9 },
      { of: distributedDurable, peer: 'socketio-redis', ratio: 1.4 },
    ],
  },
  {
    name: 'rooms-8',
    title: '100 rooms × 10 members, 100 publishers with 8 messages in flight each',
    shape: SMALL,
    publishersPerRoom: 1,
    inFlight: 8,
    targets: [
      { of: embedded, peer: 'socketio', ratio: 0.35 },
      { of: distributed, peer: 'socketio-redis', ratio: 0.4 },
      { of: distributedDurable, peer: 'socketio-redis', ratio: 0.65 },
    ],
  },
];
