import { BusUnavailable, type BusSubscription, type Clock, type MessageBus } from '@troupe/ports';
import {
  type AckRecord,
  type ActorCommand,
  type ControlRecord,
  type ErrorCode,
  type GatewayStreamReader,
  type MemberCommand,
  type OwnershipNotice,
  type PieceHeader,
  PARTITIONS,
  type PublishCommand,
  type Subject,
  encodeCommandBatch,
  partitionOf,
  readGatewayStream,
  subjects,
} from '@troupe/protocol';
import { PartitionLane } from './partition-lane';

export interface RoomLinkSettings {
  /** How long a command may stay unanswered, retries included, before it fails with `unavailable`. */
  deadlineMs: number;
  /** After how long without an answer a command is sent again: the hop may lose either way. */
  retryMs: number;
  /** Unanswered commands of the whole edge (or 64 MiB of them); more are refused with `unavailable`. */
  pendingMax: number;
  /**
   * True while the store is known to be down: nobody can then take over a partition that nobody serves, and its
   * commands are refused at once instead of at their deadline.
   */
  hopeless?: () => boolean;
}

export interface LinkFailure {
  code: ErrorCode;
  message: string;
  retryAfterMs?: number;
}

export type PublishResult = AckRecord | LinkFailure;
export type DoneResult = { head: number } | LinkFailure;

/** What else comes from the actors. Streams of rooms go to the fan-out. */
export interface RoomLinkEvents {
  message(room: string, epoch: number, seq: number, body: Buffer): void;
  piece(header: PieceHeader, bodies: Buffer[]): void;
  control(record: ControlRecord): void;
  /** The partition has a (new) owner: attach to its rooms again, before anything else is sent there. */
  ownerChanged(partition: number): void;
  /** The bus is back: anything may have been missed. */
  reconnected(): void;
  failed(error: unknown): void;
}

type Answer = (result: AckRecord | { head: number } | LinkFailure) => void;

const BACK_OFF_MS = [20, 50, 100, 200, 400];

/**
 * An edge's way to the actors: commands to partitions, all of one turn and partition in one bus message; answers by
 * `ref`. Sends again until the deadline, which is safe because actors recognise repeats by message id and `clientId`.
 */
export class RoomLink implements GatewayStreamReader {
  private readonly lanes: PartitionLane[] = [];
  private readonly subjects: { to: Subject; unserved: Subject }[] = [];
  private readonly answers = new Map<number, { answer: Answer; partition: number }>();
  private dirty: PartitionLane[] = [];
  private subscriptions: BusSubscription[] = [];
  private stops: (() => void)[] = [];
  private nextRef = 1;
  private pendingBytes = 0;
  private stopped = false;

  constructor(
    readonly edge: string,
    private readonly ports: { bus: MessageBus; clock: Clock },
    private readonly settings: RoomLinkSettings,
    private readonly events: RoomLinkEvents,
  ) {
    for (let p = 0; p < PARTITIONS; p++) {
      this.lanes.push(new PartitionLane(p));
      this.subjects.push({ to: subjects.partition(p), unserved: subjects.unserved(edge, p) });
    }
  }

  start(): void {
    const { bus, clock } = this.ports;
    this.subscriptions = [
      bus.subscribe(subjects.gateway(this.edge), ({ payload }) => readGatewayStream(payload, this)),
      bus.subscribe(subjects.allUnserved(this.edge), ({ subject, noResponders }) => {
        const lane = this.lanes[Number(subject.slice(subject.lastIndexOf('.') + 1))];
        if (noResponders && lane) this.block(lane);
      }),
      bus.subscribe(subjects.ownership, ({ payload }) => this.ownershipChanged(payload)),
    ];
    this.stops = [
      clock.every(Math.max(50, this.settings.retryMs / 4), () => this.sweep()),
      bus.onConnection((connected) => {
        if (connected) this.reconnected();
      }),
    ];
  }

  stop(): void {
    this.stopped = true;
    for (const stop of this.stops) stop();
    for (const subscription of this.subscriptions) subscription.unsubscribe();
    for (const ref of [...this.answers.keys()]) this.finish(ref, UNAVAILABLE);
  }

  /** Publishes a message; the answer comes exactly once, at the deadline at the latest. */
  publish(command: Omit<PublishCommand, 't' | 'ref'>, answer: (result: PublishResult) => void): void {
    this.ask((ref) => ({ t: 'publish', ref, ...command }), command.room, answer as Answer);
  }

  /** Changes a member; the answer comes exactly once. */
  member(command: Omit<MemberCommand, 't' | 'ref'>, answer: (result: DoneResult) => void): void {
    this.ask((ref) => ({ t: 'member', ref, ...command }), command.room, answer as Answer);
  }

  /** Sends a command that has no answer of its own. While the partition is blocked it is dropped: a new owner is told everything again. */
  send(command: Exclude<ActorCommand, { ref: number }>): void {
    const lane = this.lane(command.room);
    if (!lane.blocked) this.enqueue(lane, command);
  }

  /** Unanswered commands. */
  get pending(): number {
    return this.answers.size;
  }

  // ── Out ───────────────────────────────────────────────────────────────────────────────────────────────────────

  private ask(make: (ref: number) => ActorCommand & { ref: number }, room: string, answer: Answer): void {
    const { bus, clock } = this.ports;
    if (this.stopped || !bus.connected || this.full) return answer(UNAVAILABLE);
    const ref = this.nextRef;
    this.nextRef = ref === 0xffff_ffff ? 1 : ref + 1;
    const lane = this.lane(room);
    const nowMs = clock.nowMs();
    const command = make(ref);
    this.answers.set(ref, { answer, partition: lane.partition });
    const bytes = sizeOf(command);
    this.pendingBytes += bytes;
    const deadlineMs = nowMs + this.settings.deadlineMs;
    lane.pending.set(ref, { command, sentAtMs: nowMs, deadlineMs, bytes });
    if (!lane.blocked) this.enqueue(lane, command);
  }

  private get full(): boolean {
    return this.answers.size >= this.settings.pendingMax || this.pendingBytes >= PENDING_BYTES_MAX;
  }

  private enqueue(lane: PartitionLane, command: ActorCommand): void {
    if (lane.outbox.push(command) > 1) return;
    if (this.dirty.push(lane) === 1) this.ports.clock.turnEnd(() => this.flush());
  }

  private flush(): void {
    const dirty = this.dirty;
    this.dirty = [];
    for (const lane of dirty) {
      const commands = lane.outbox;
      lane.outbox = [];
      if (commands.length > 0) this.transmit(lane, commands);
    }
  }

  private transmit(lane: PartitionLane, commands: ActorCommand[]): void {
    const { partition, epoch } = lane;
    const subject = this.subjects[partition];
    if (!subject) return;
    for (const part of parts(lane, commands)) {
      try {
        const bytes = encodeCommandBatch({ edge: this.edge, partition, epoch, commands: part });
        this.ports.bus.publish(subject.to, bytes, { reply: subject.unserved });
      } catch (error) {
        if (!(error instanceof BusUnavailable)) this.events.failed(error);
        for (const command of part) if ('ref' in command) this.finish(command.ref, UNAVAILABLE);
      }
    }
  }

  // ── In ────────────────────────────────────────────────────────────────────────────────────────────────────────
  // What the reader of one record throws is reported, and costs the records behind it nothing.

  message(room: string, epoch: number, seq: number, body: Buffer): void {
    try {
      this.events.message(room, epoch, seq, body);
    } catch (error) {
      this.events.failed(error);
    }
  }

  piece(header: PieceHeader, bodies: Buffer[]): void {
    try {
      this.events.piece(header, bodies);
    } catch (error) {
      this.events.failed(error);
    }
  }

  ack(record: AckRecord): void {
    try {
      this.finish(record.ref, record);
    } catch (error) {
      this.events.failed(error);
    }
  }

  control(record: ControlRecord): void {
    try {
      this.obey(record);
    } catch (error) {
      this.events.failed(error);
    }
  }

  private obey(record: ControlRecord): void {
    switch (record.c) {
      case 'fail': {
        const { code, message, retryAfterMs } = record;
        return this.finish(
          record.ref,
          retryAfterMs === undefined ? { code, message } : { code, message, retryAfterMs },
        );
      }
      case 'done':
        return this.finish(record.ref, { head: record.head });
      case 'moved': {
        const lane = this.lanes[record.partition];
        if (!lane) return;
        if (record.epoch !== undefined) this.ownedUnder(lane, record.epoch);
        else if (record.refs.some((ref) => lane.pending.has(ref))) this.block(lane);
        return;
      }
      default:
        this.events.control(record);
    }
  }

  private finish(ref: number, result: Parameters<Answer>[0]): void {
    const waiting = this.answers.get(ref);
    if (!waiting) return;
    this.answers.delete(ref);
    const lane = this.lanes[waiting.partition];
    if (lane) {
      this.pendingBytes -= lane.pending.get(ref)?.bytes ?? 0;
      lane.pending.delete(ref);
      lane.attempts = 0;
    }
    waiting.answer(result);
  }

  // ── Owners ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Nobody serves the partition: hold everything for it, and try again after a while. */
  private block(lane: PartitionLane): void {
    if (lane.blocked) return;
    lane.blocked = true;
    lane.outbox = [];
    const delay = BACK_OFF_MS[Math.min(lane.attempts++, BACK_OFF_MS.length - 1)] ?? 400;
    this.ports.clock.after(delay, () => {
      if (lane.blocked) this.unblock(lane);
    });
  }

  private unblock(lane: PartitionLane): void {
    lane.blocked = false;
    this.events.ownerChanged(lane.partition);
    if (lane.pending.size === 0) return;
    this.sendAgain(lane);
  }

  private sendAgain(lane: PartitionLane): void {
    const wasEmpty = lane.outbox.length === 0;
    lane.sendAgain(this.ports.clock.nowMs());
    if (wasEmpty && this.dirty.push(lane) === 1) this.ports.clock.turnEnd(() => this.flush());
  }

  private ownershipChanged(payload: Uint8Array): void {
    const { gained } = JSON.parse(Buffer.from(payload).toString()) as OwnershipNotice;
    for (const [partition, epoch] of gained) {
      const lane = this.lanes[partition];
      if (lane) this.ownedUnder(lane, epoch);
    }
  }

  private ownedUnder(lane: PartitionLane, epoch: number): void {
    // Owners repeat what they own, and one that has lost its partition may not know it yet.
    if (epoch < lane.epoch || (epoch === lane.epoch && !lane.blocked)) return;
    lane.epoch = epoch;
    lane.attempts = 0;
    this.unblock(lane);
  }

  private reconnected(): void {
    // First open, then told: what is sent to a blocked partition is dropped.
    for (const lane of this.lanes) lane.blocked = false;
    this.events.reconnected();
    for (const lane of this.lanes) if (lane.pending.size > 0) this.sendAgain(lane);
  }

  /** Fails what is past its deadline, and sends again what was perhaps lost. */
  private sweep(): void {
    if (this.answers.size === 0) return;
    const nowMs = this.ports.clock.nowMs();
    const hopeless = this.settings.hopeless?.() ?? false;
    for (const lane of this.lanes) {
      const unserved = hopeless && lane.attempts > 0;
      let lost = false;
      for (const [ref, pending] of lane.pending) {
        if (unserved || pending.deadlineMs <= nowMs) this.finish(ref, UNAVAILABLE);
        else if (nowMs - pending.sentAtMs >= this.settings.retryMs) lost = true;
      }
      if (lost && !lane.blocked) this.sendAgain(lane);
    }
  }

  private lane(room: string): PartitionLane {
    const lane = this.lanes[partitionOf(room)];
    if (!lane) throw new RangeError('no such partition');
    return lane;
  }
}

/** Unanswered commands of more bytes than this are too many as well. */
const PENDING_BYTES_MAX = 64 * 1024 * 1024;

/** A bus message holds about this much at most; a server takes 1 MiB. */
const BATCH_CHARACTERS_MAX = 200_000;

/** Cuts a turn's commands, in order, into batches that one bus message can hold. */
function* parts(lane: PartitionLane, commands: ActorCommand[]): Iterable<ActorCommand[]> {
  let start = 0;
  let size = 0;
  for (let i = 0; i < commands.length; i++) {
    const command = commands[i];
    const pending = command && 'ref' in command ? lane.pending.get(command.ref) : undefined;
    const own = pending?.bytes ?? (command ? sizeOf(command) : 0);
    if (i > start && size + own > BATCH_CHARACTERS_MAX) {
      yield commands.slice(start, i);
      start = i;
      size = 0;
    }
    size += own;
  }
  yield start === 0 ? commands : commands.slice(start);
}

function sizeOf(command: ActorCommand): number {
  if (command.t === 'attach') return 100 + command.sessions.length * 80;
  if (command.t !== 'publish') return 200;
  return 300 + command.text.length + (command.data === undefined ? 0 : JSON.stringify(command.data).length);
}

const UNAVAILABLE: LinkFailure = {
  code: 'unavailable',
  message: 'the room cannot be reached at the moment; send again',
};
