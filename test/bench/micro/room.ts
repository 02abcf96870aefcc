import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { median } from '../measure/median';
import { BenchRoom } from './bench.room';
import type { MicroResult } from './micro.result';

const FEW = 100;
const MANY = 10_000;
const CPU_RATIO_MAX = 1.3;
const MAILBOX_BYTES_MAX = 128;
const ROUNDS = 9;
const BROADCASTS = 20_000;

/** What a reader costs the room's actor: CPU for each broadcast, and heap for each mailbox. */
export function roomBench(): MicroResult[] {
  return [broadcastCpu(), mailboxHeap('live', false), mailboxHeap('lagging', true)];
}

function broadcastCpu(): MicroResult {
  const rooms = [FEW, MANY].map((sessions) => {
    const room = new BenchRoom();
    room.attach(sessions);
    cpuMicros(room, BROADCASTS);
    return room;
  });
  // In turns, so that both see the same machine.
  const rounds = Array.from({ length: ROUNDS }, () => rooms.map((room) => cpuMicros(room, BROADCASTS)));
  const [few, many] = [0, 1].map((i) => median(rounds.map((round) => round[i] ?? NaN))) as [number, number];
  const ratio = many / few;
  return {
    title: 'actor CPU for a broadcast, 10,000 sessions against 100, on 4 edges',
    measured: `${ratio.toFixed(2)}× (${few.toFixed(2)} and ${many.toFixed(2)} µs)`,
    target: `≤ ${CPU_RATIO_MAX}×`,
    met: ratio <= CPU_RATIO_MAX,
    how: `User and system time of the process for publish, commit, ring, streams and ack of ${BROADCASTS} messages; median of ${ROUNDS} rounds taken in turns.`,
  };
}

/** Microseconds of CPU for one broadcast. */
function cpuMicros(room: BenchRoom, broadcasts: number): number {
  const before = process.cpuUsage();
  for (let i = 0; i < broadcasts; i++) room.broadcast();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / broadcasts;
}

function mailboxHeap(state: string, lagging: boolean): MicroResult {
  const room = new BenchRoom();
  for (let i = 0; i < 300; i++) room.broadcast();
  const before = heapBytes();
  room.attach(MANY);
  if (lagging) room.lagAll(MANY);
  const bytes = Math.round((heapBytes() - before) / MANY);
  // The room must be reachable until the second reading.
  room.broadcast();
  return {
    title: `heap for a mailbox of a ${state} session, of 10,000 with users of their own`,
    measured: `${bytes} bytes`,
    target: `≤ ${MAILBOX_BYTES_MAX} bytes`,
    met: bytes <= MAILBOX_BYTES_MAX,
    how: `Heap in use after garbage collection, before and after ${MANY} attachments on 4 edges that came as decoded commands.`,
  };
}

function heapBytes(): number {
  const collect = collector();
  // Twice: what the first frees may have held more.
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}

function collector(): () => void {
  const { gc } = globalThis;
  if (gc) return () => void gc();
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}

if (require.main === module) {
  for (const { title, measured, target, met, how } of roomBench()) {
    console.log(`${met ? 'met    ' : 'NOT MET'} ${title}: ${measured} (${target})\n        ${how}`);
  }
}
