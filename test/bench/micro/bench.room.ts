import { GatewayStreamWriter, decodeCommandBatch, encodeCommandBatch } from '@troupe/protocol';
import { type EdgeSink, type PendingMessage, Room, type RoomOutput } from '@troupe/room';

const EDGES = 4;
const ROOM = 'bench';
const TEXT = 'x'.repeat(120);

/** An edge whose stream is taken at the end of each turn, as the host does, and then thrown away. */
class BenchEdge extends GatewayStreamWriter implements EdgeSink {
  constructor(readonly id: string) {
    super();
  }
}

/** One awake room with sessions spread over a fixed number of edges; its store commits at once. */
export class BenchRoom {
  readonly room: Room;
  private readonly edges = Array.from({ length: EDGES }, (_, i) => new BenchEdge(`edge-${i}`));
  private readonly publisher = new BenchEdge('publisher');
  private readonly committing: PendingMessage[] = [];
  private published = 0;

  constructor() {
    const output: RoomOutput = {
      saturated: false,
      load: () => undefined,
      commit: (_room, message) => this.committing.push(message),
      reserve: () => undefined,
      fetch: () => undefined,
      changeMember: () => undefined,
      published: () => undefined,
      memberChanged: () => undefined,
    };
    const limits = {
      ring: { messagesMax: 256, bytesMax: 1_048_576 },
      pendingMax: 1_000,
      recentMax: 1_000,
      resumeMax: 1_000,
    };
    this.room = new Room(ROOM, 1, limits, output);
    this.room.wake();
    const members = [{ user: 'alice', role: 'owner' as const }];
    const record = { kind: 'group' as const, open: true, durable: true, onOverflow: 'drop-oldest' as const };
    this.room.loaded({ ...record, members, head: 0 }, stamp());
  }

  /** Attaches sessions of distinct users, the same number on each edge, with commands that have crossed the bus. */
  attach(sessions: number): void {
    const each = sessions / EDGES;
    for (const [i, edge] of this.edges.entries()) {
      for (let from = 0; from < each; from += 1_000) {
        this.attachTo(edge, i * each + from, Math.min(1_000, each - from));
      }
      edge.take();
    }
  }

  /** Every session of every edge falls behind, each at a place of its own. */
  lagAll(sessions: number): void {
    const each = sessions / EDGES;
    for (const [i, edge] of this.edges.entries()) {
      for (let n = 0; n < each; n++) {
        const session = i * each + n;
        this.room.lagging({ t: 'lagging', room: ROOM, session, after: session % 200 }, edge, stamp());
      }
    }
  }

  /** One turn: a message comes, is committed, goes out to all edges and is acked. */
  broadcast(): void {
    const id = `01b8dac5-0000-7000-8000-${String(++this.published).padStart(12, '0')}`;
    const command = {
      t: 'publish' as const,
      ref: this.published % 1_000,
      room: ROOM,
      from: 'alice',
      id,
      text: TEXT,
    };
    this.room.publish(command, this.publisher, stamp());
    for (const message of this.committing.splice(0)) this.room.committed(message);
    for (const edge of this.edges) edge.take();
    this.publisher.take();
  }

  private attachTo(edge: BenchEdge, from: number, count: number): void {
    const sessions = Array.from({ length: count }, (_, n): [number, string] => [
      from + n,
      `user-${from + n}`,
    ]);
    const command = { t: 'attach' as const, room: ROOM, after: null, sessions };
    const bytes = encodeCommandBatch({ edge: edge.id, partition: 0, epoch: 1, commands: [command] });
    for (const c of decodeCommandBatch(bytes).commands) {
      if (c.t === 'attach') this.room.attach(c, edge, stamp(), false);
    }
  }
}

function stamp(): { nowMs: number; at: string } {
  return { nowMs: 0, at: '2030-01-01T00:00:00.000Z' };
}
