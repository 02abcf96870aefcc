import type { MailboxTotals } from '@troupe/actor-core';
import type { BusSubscription, Clock, Fence, Lease, LeaseStore, MessageBus, RoomStore } from '@troupe/ports';
import {
  type ActorCommand,
  type CommandBatch,
  type OwnershipNotice,
  type RoomKind,
  decodeCommandBatch,
  partitionOf,
  subjects,
} from '@troupe/protocol';
import { Backlog, type EdgeSink, Room, type RoomLimits } from '@troupe/room';
import { Committer, type CommitterLimits, QUEUE_BYTES_MAX } from './committer';
import { EdgeRegistry } from './edge-registry';
import { LeaseKeeper, type LeaseSettings } from './lease-keeper';
import type { Partition } from './partition';
import { RoomLoader } from './room-loader';
import { StoreOutput, tell } from './store-output';
import type { HostMetrics } from './host-metrics';

export interface RoomHostSettings {
  room: RoomLimits;
  commit: CommitterLimits;
  lease: LeaseSettings;
  edgeTtlMs: number;
  roomIdleMs: number;
  seqReserve: number;
}

export interface RoomHostPorts {
  bus: MessageBus;
  rooms: RoomStore;
  leases: LeaseStore;
  clock: Clock;
  metrics: HostMetrics;
  /** Everything that went wrong without being anybody's answer. */
  onError(error: unknown): void;
}

/** Rooms in one query at most: with their members, or their heads alone. */
const LOAD_MAX = 200;
const HEADS_MAX = 1_000;
/** For this long after a take-over, what edges have is compared with the store before it is believed. */
const FRESH_MS = 60_000;
/** How long a hand-over waits for what is in flight, and how often it looks. */
const HAND_OVER_MAX_MS = 2_000;
const HAND_OVER_CHECK_MS = 2;

/** The rooms of the partitions that this pod owns: takes commands from the bus, one turn each, and carries out effects. */
export class RoomHost {
  private readonly partitions = new Map<number, Partition>();
  private readonly subscriptions = new Map<number, BusSubscription>();
  private readonly always: BusSubscription[] = [];
  private readonly timers: (() => void)[] = [];
  readonly edges: EdgeRegistry;
  readonly leases: LeaseKeeper;
  private readonly committer: Committer;
  private readonly output: StoreOutput;
  private readonly backlog = new Backlog(QUEUE_BYTES_MAX);

  constructor(
    readonly pod: string,
    private readonly ports: RoomHostPorts,
    private readonly settings: RoomHostSettings,
  ) {
    const { bus, clock, rooms, leases, metrics, onError } = ports;
    this.edges = new EdgeRegistry(bus, clock, settings.edgeTtlMs, (edge) => this.edgeGone(edge));
    this.committer = new Committer(
      pod,
      rooms,
      clock,
      settings.commit,
      metrics,
      (partition, epoch) => this.leases.fenced(partition, epoch),
      onError,
    );
    this.output = new StoreOutput(
      {
        bus,
        rooms,
        clock,
        loader: new RoomLoader((ids) => rooms.load(ids), LOAD_MAX, clock, onError),
        heads: new RoomLoader((ids) => rooms.heads(ids), HEADS_MAX, clock, onError),
        committer: this.committer,
        metrics,
        onError,
      },
      settings.seqReserve,
      (room) => this.find(room),
      (partition) => this.fence(partition),
    );
    this.leases = new LeaseKeeper(pod, leases, clock, settings.lease, {
      gained: (taken) => this.gained(taken),
      lost: (lost) => this.lost(lost),
      handOver: (leaving, finished) => this.handOver(leaving, finished),
      released: (partitions) => this.notify({ pod, gained: [], released: partitions }),
      failed: onError,
    });
  }

  start(): void {
    const { bus, clock } = this.ports;
    this.always.push(
      bus.subscribe(subjects.ownership, ({ payload }) => this.ownershipChanged(payload)),
      bus.subscribe(subjects.gatewayAlive, ({ payload }) => this.edgeAlive(payload)),
    );
    this.timers.push(
      bus.onConnection((connected) => this.leases.setEligible(connected)),
      clock.every(1_000, () => this.sweep()),
    );
    this.leases.start();
  }

  /** Hands everything over: finishes what is in flight, gives the leases back, tells the other pods. */
  async stop(): Promise<void> {
    await this.leases.stop();
    for (const stop of this.timers) stop();
    for (const subscription of this.always) subscription.unsubscribe();
    this.edges.flush();
  }

  get roomsAwake(): number {
    let awake = 0;
    for (const { rooms } of this.partitions.values())
      for (const room of rooms.values()) if (room.awake) awake++;
    return awake;
  }

  get mailboxesLagging(): number {
    let lagging = 0;
    for (const { rooms } of this.partitions.values()) {
      for (const room of rooms.values()) lagging += room.audience.ledger.laggingCount;
    }
    return lagging;
  }

  // ── Commands ──────────────────────────────────────────────────────────────────────────────────────────────────

  private receive(payload: Uint8Array): void {
    this.leases.checkExpiry();
    const batch = decodeCommandBatch(payload);
    const edge = this.edges.heard(batch.edge);
    const partition = this.partitions.get(batch.partition);
    if (!partition || batch.epoch !== partition.epoch) {
      return this.misdirected(batch, edge, partition);
    }
    const stamp = { nowMs: this.ports.clock.nowMs(), at: this.ports.clock.wallTime() };
    for (const command of batch.commands) {
      if (partitionOf(command.room) !== partition.id) {
        this.ports.onError(new Error('a command for a room of another partition'));
        continue;
      }
      try {
        this.dispatch(this.room(partition, command.room), command, edge, stamp, partition);
      } catch (error) {
        // One room's bug must not take the others with it.
        this.ports.onError(error);
        if ('ref' in command)
          edge.control({ c: 'fail', ref: command.ref, code: 'internal', message: 'internal error' });
      }
    }
  }

  /** The edge means another owner: none yet, an earlier one, or a later one that has taken over from this pod. */
  private misdirected(batch: CommandBatch, edge: EdgeSink, partition: Partition | undefined): void {
    const refs = batch.commands.flatMap((c) => ('ref' in c ? [c.ref] : []));
    const moved = { c: 'moved' as const, partition: batch.partition, refs };
    if (partition && batch.epoch > partition.epoch) this.leases.fenced(partition.id, partition.epoch);
    else if (partition) return edge.control({ ...moved, epoch: partition.epoch });
    edge.control(moved);
  }

  private dispatch(
    room: Room,
    command: ActorCommand,
    edge: EdgeSink,
    stamp: { nowMs: number; at: string },
    partition: Partition,
  ): void {
    switch (command.t) {
      case 'publish':
        return room.publish(command, edge, stamp);
      case 'attach':
        return room.attach(command, edge, stamp, stamp.nowMs - partition.acquiredAtMs < FRESH_MS);
      case 'detach':
        return room.detach(edge, command.session);
      case 'lagging':
        return room.lagging(command, edge, stamp);
      case 'resume':
        return room.resume(command, edge, stamp);
      case 'replay':
        return room.replay(command, edge, stamp);
      case 'member':
        return room.member(command, edge, stamp);
      case 'reload':
        return room.reload(command.ref, edge, stamp);
    }
  }

  private room(partition: Partition, id: string): Room {
    let room = partition.rooms.get(id);
    if (!room) {
      const mailboxes = (kind: RoomKind): MailboxTotals => this.ports.metrics.mailboxes(kind);
      room = new Room(id, partition.epoch, this.settings.room, this.output, mailboxes, this.backlog);
      partition.rooms.set(id, room);
    }
    return room;
  }

  private find(id: string): { room: Room; partition: Partition } | null {
    const partition = this.partitions.get(partitionOf(id));
    const room = partition?.rooms.get(id);
    return partition && room ? { room, partition } : null;
  }

  private fence(partition: number): Fence {
    return { pod: this.pod, epochs: new Map([[partition, this.partitions.get(partition)?.epoch ?? 0]]) };
  }

  // ── Partitions ────────────────────────────────────────────────────────────────────────────────────────────────

  private gained(leases: readonly Lease[]): void {
    const { bus, clock, metrics } = this.ports;
    for (const { partition: id, epoch } of leases) {
      this.close(id);
      this.partitions.set(id, { id, epoch, acquiredAtMs: clock.nowMs(), rooms: new Map() });
      this.subscriptions.get(id)?.unsubscribe();
      this.subscriptions.set(
        id,
        bus.subscribe(subjects.partition(id), ({ payload }) => this.receive(payload)),
      );
    }
    metrics.takenOver(leases.length);
    // Edges may answer at once, so they hear of it only when the subscriptions have reached the server.
    void bus
      .flush()
      .then(() =>
        this.notify({ pod: this.pod, gained: leases.map((l) => [l.partition, l.epoch]), released: [] }),
      )
      .catch((error: unknown) => this.ports.onError(error));
  }

  private lost(partitions: readonly number[]): void {
    for (const id of partitions) {
      this.subscriptions.get(id)?.unsubscribe();
      this.subscriptions.delete(id);
      this.close(id);
    }
    this.edges.flush();
  }

  private close(id: number): void {
    for (const room of this.partitions.get(id)?.rooms.values() ?? []) {
      room.close();
      room.audience.detachAll();
    }
    this.partitions.delete(id);
  }

  /** Each partition goes as soon as nothing of it is in flight: a slow room costs only its neighbours their owner. */
  private handOver(leaving: readonly number[], finished: (partitions: number[]) => void): void {
    const { clock } = this.ports;
    let waiting = leaving.map((id) => ({ id, partition: this.partitions.get(id) }));
    for (const { id } of waiting) {
      this.subscriptions.get(id)?.unsubscribe();
      this.subscriptions.delete(id);
    }
    const deadlineMs = clock.nowMs() + HAND_OVER_MAX_MS;
    const check = (): void => {
      const isLate = clock.nowMs() >= deadlineMs;
      const busy = waiting.filter(({ partition }) => !isLate && partition && isBusy(partition));
      const through = waiting.filter((w) => !busy.includes(w));
      waiting = busy;
      for (const { id, partition } of through) {
        // It may have been lost, and taken again, while this waited: that one stays.
        if (partition && this.partitions.get(id) === partition) this.close(id);
      }
      if (waiting.length > 0) clock.after(HAND_OVER_CHECK_MS, check);
      if (through.length === 0) return;
      this.edges.flush();
      finished(through.map(({ id }) => id));
    };
    check();
  }

  private notify(notice: OwnershipNotice): void {
    tell(this.ports.bus, subjects.ownership, Buffer.from(JSON.stringify(notice)));
  }

  /** Says again what this pod owns: an edge that missed a take-over must not wait for the next one. */
  private remind(): void {
    const gained = [...this.partitions.values()].map(({ id, epoch }): [number, number] => [id, epoch]);
    if (gained.length > 0) this.notify({ pod: this.pod, gained, released: [] });
  }

  private ownershipChanged(payload: Uint8Array): void {
    const notice = JSON.parse(Buffer.from(payload).toString()) as OwnershipNotice;
    if (notice.pod === this.pod) return;
    if (notice.released.length > 0) this.leases.hint();
    // Told by a newer owner before the store could say so: the fence would refuse our writes anyway.
    for (const [id, epoch] of notice.gained) {
      const own = this.partitions.get(id);
      if (own && own.epoch < epoch) this.leases.fenced(id, own.epoch);
    }
  }

  // ── Edges and idleness ────────────────────────────────────────────────────────────────────────────────────────

  private edgeAlive(payload: Uint8Array): void {
    const { edge, leaving } = JSON.parse(Buffer.from(payload).toString()) as {
      edge: string;
      leaving?: boolean;
    };
    if (leaving) this.edges.forget(edge);
    else this.edges.heard(edge);
  }

  private edgeGone(edge: EdgeSink): void {
    for (const { rooms } of this.partitions.values())
      for (const room of rooms.values()) room.audience.detachEdge(edge);
  }

  private sweep(): void {
    this.edges.sweep();
    this.remind();
    const nowMs = this.ports.clock.nowMs();
    const idleSinceMs = nowMs - this.settings.roomIdleMs;
    for (const { rooms } of this.partitions.values()) {
      for (const room of rooms.values()) {
        room.repeatHead(nowMs);
        if (room.needsLoad) room.wake();
        else if (room.passivate(idleSinceMs) && room.audience.edgeCount === 0) rooms.delete(room.id);
      }
    }
  }
}

function isBusy({ rooms }: Partition): boolean {
  for (const room of rooms.values()) if (room.busy) return true;
  return false;
}
