import { type MailboxTotals, zeroTotals } from '@troupe/actor-core';
import {
  MemoryBusHub,
  MemoryDatabase,
  MemoryLeaseStore,
  MemoryMessageBus,
  MemoryRoomStore,
  type StoreFault,
} from '@troupe/adapters-memory';
import { type DoneResult, type PublishResult, RoomLink } from '@troupe/edge';
import { StoreUnavailable } from '@troupe/ports';
import {
  type ControlRecord,
  type MemberCommand,
  type PublishCommand,
  type SubjectPattern,
  partitionOf,
  subjects,
} from '@troupe/protocol';
import { SimClock, SimIds, seededRandom } from '@troupe/testing';
import { RoomHost, type RoomHostSettings } from '../../apps/room-actor/src/hosting/room-host';
import { ProcessClock } from '../sim/process-clock';

export const LEASE_TTL_MS = 3_000;
export const ROOM_IDLE_MS = 60_000;
const ALIVE_MS = 5_000;

const SETTINGS: RoomHostSettings = {
  room: { ring: { messagesMax: 100, bytesMax: 1_000_000 }, pendingMax: 100, recentMax: 100, resumeMax: 500 },
  commit: { batchMessagesMax: 50, batchBytesMax: 1_000_000, queueMax: 1_000 },
  lease: { ttlMs: LEASE_TTL_MS, renewMs: 1_000, pollMs: 500 },
  edgeTtlMs: 15_000,
  roomIdleMs: ROOM_IDLE_MS,
  seqReserve: 10,
};

/** Room hosts over one in-process bus and one database in memory, in simulated time, with faults on demand. */
export class HostHarness {
  readonly clock = new SimClock();
  readonly errors: unknown[] = [];
  /** Operations of the store, in order. */
  readonly operations: string[] = [];
  /** Everything that went over the bus: its subject, by whole message. */
  readonly traffic: string[] = [];
  private readonly faults: { operation: string; fault: StoreFault; times: number }[] = [];
  readonly database = new MemoryDatabase({ clock: this.clock, faults: (operation) => this.fault(operation) });
  private readonly hub = new MemoryBusHub({ schedule: (drain) => this.clock.turnEnd(drain) });
  private readonly ids = new SimIds(this.clock, seededRandom(1));

  constructor(private readonly settings: Partial<RoomHostSettings> = {}) {
    this.connect().subscribe('>' as SubjectPattern, ({ subject }) => this.traffic.push(subject));
  }

  room(room: string, options: { durable?: boolean; members?: string[] } = {}): void {
    const { durable = true, members = ['alice', 'bob'] } = options;
    this.database.createRoom({
      room,
      kind: durable ? 'group' : 'channel',
      title: null,
      open: true,
      durable,
      onOverflow: 'drop-oldest',
      members: members.map((user) => ({ user, role: 'member' })),
    });
  }

  pod(name: string): HostedPod {
    return new HostedPod(name, this, { ...SETTINGS, ...this.settings });
  }

  /** A pod that owns everything. */
  async owner(name = 'pod-a'): Promise<HostedPod> {
    const pod = this.pod(name);
    await this.clock.run(100);
    return pod;
  }

  edge(name = 'edge-a'): HostedEdge {
    return new HostedEdge(name, this);
  }

  /** The next operations of this name fail. */
  failNext(operation: string, fault: StoreFault, times = 1): void {
    this.faults.push({ operation, fault, times });
  }

  /** What the store holds of a room. */
  stored(room: string): string[] {
    return this.database.log(room).rows.map(({ seq, text }) => `${seq} ${text}`);
  }

  uuid(): string {
    return this.ids.uuid();
  }

  connect(): MemoryMessageBus {
    return new MemoryMessageBus({
      hub: this.hub,
      clock: this.clock,
      onHandlerError: (error) => this.errors.push(error),
    });
  }

  private fault(operation: string): StoreFault {
    this.operations.push(operation);
    const due = this.faults.find((f) => f.operation === operation && f.times > 0);
    if (!due) return 'none';
    due.times--;
    return due.fault;
  }
}

export class HostedPod {
  readonly host: RoomHost;
  readonly clock: ProcessClock;
  readonly bus: MemoryMessageBus;
  readonly books: MailboxTotals = zeroTotals();
  readonly counts = { committed: 0, fenced: 0, published: 0, takenOver: 0 };

  constructor(
    readonly name: string,
    private readonly harness: HostHarness,
    settings: RoomHostSettings,
  ) {
    this.clock = new ProcessClock(harness.clock);
    this.bus = harness.connect();
    const { counts, books } = this;
    this.host = new RoomHost(
      name,
      {
        bus: this.bus,
        clock: this.clock,
        rooms: new MemoryRoomStore(harness.database),
        leases: new MemoryLeaseStore(harness.database),
        metrics: {
          committed: (messages) => (counts.committed += messages),
          fenced: () => counts.fenced++,
          published: () => counts.published++,
          takenOver: (partitions) => (counts.takenOver += partitions),
          mailboxes: () => books,
        },
        onError: (error) => {
          if (!(error instanceof StoreUnavailable)) harness.errors.push(error);
        },
      },
      settings,
    );
    this.host.start();
  }

  /** SIGKILL: the server sees the connection end. */
  kill(): void {
    this.clock.kill();
    this.bus.cut();
  }

  /** SIGTERM. */
  async stop(): Promise<void> {
    let stopped = false;
    const stopping = this.host.stop().then(() => (stopped = true));
    for (let i = 0; i < 100 && !stopped; i++) await this.harness.clock.run(50);
    await stopping;
  }
}

/** A link without sockets: what is published through it, what came back, and what rooms told it. */
export class HostedEdge {
  readonly link: RoomLink;
  readonly bus: MemoryMessageBus;
  readonly messages: { room: string; epoch: number; seq: number; text: string }[] = [];
  readonly controls: ControlRecord[] = [];
  private readonly attachments = new Map<string, { after: number; sessions: [number, string][] }>();
  private clientIds = 0;
  private silent = false;

  constructor(
    readonly name: string,
    private readonly harness: HostHarness,
  ) {
    this.bus = harness.connect();
    this.link = new RoomLink(
      name,
      { bus: this.bus, clock: harness.clock },
      { deadlineMs: 5_000, retryMs: 1_000, pendingMax: 1_000 },
      {
        message: (room, epoch, seq, body) => {
          const { text } = JSON.parse(body.toString()) as { text: string };
          this.messages.push({ room, epoch, seq, text });
        },
        piece: () => undefined,
        control: (record) => this.controls.push(record),
        ownerChanged: (partition) => this.attachAgain(partition),
        reconnected: () => undefined,
        failed: (error) => harness.errors.push(error),
      },
    );
    this.link.start();
    harness.clock.every(ALIVE_MS, () => this.say());
  }

  /** Gives no more signs of life. */
  fallSilent(): void {
    this.silent = true;
  }

  private say(): void {
    if (!this.silent)
      this.bus.publish(subjects.gatewayAlive, Buffer.from(JSON.stringify({ edge: this.name })));
  }

  /** Publishes, and gives the list into which the answer will come. */
  publish(room: string, text: string, options: Partial<PublishCommand> = {}): PublishResult[] {
    const results: PublishResult[] = [];
    const clientId = `client-${++this.clientIds}`;
    this.link.publish(
      { room, from: 'alice', id: this.harness.uuid(), clientId, text, ...options },
      (result) => results.push(result),
    );
    return results;
  }

  member(change: Omit<MemberCommand, 't' | 'ref'>): DoneResult[] {
    const results: DoneResult[] = [];
    this.link.member(change, (result) => results.push(result));
    return results;
  }

  /** Attaches sessions, now and to each owner to come, with the seq up to which this edge then has the room. */
  attach(room: string, after: number, sessions: [number, string][] = [[1, 'alice']]): void {
    this.attachments.set(room, { after, sessions });
    this.link.send({ t: 'attach', room, after, sessions });
  }

  private attachAgain(partition: number): void {
    for (const [room, { after, sessions }] of this.attachments) {
      if (partitionOf(room) !== partition) continue;
      const newest = Math.max(after, this.seqs(room).at(-1) ?? 0);
      this.link.send({ t: 'attach', room, after: newest, needHead: true, whole: true, sessions });
    }
  }

  seqs(room: string): number[] {
    return this.messages.filter((m) => m.room === room).map((m) => m.seq);
  }

  controlsOf<C extends ControlRecord['c']>(c: C): Extract<ControlRecord, { c: C }>[] {
    return this.controls.filter((record): record is Extract<ControlRecord, { c: C }> => record.c === c);
  }
}
