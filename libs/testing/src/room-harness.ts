import type { MailboxTotals } from '@troupe/actor-core';
import { type EdgeSession, Fanout, type Outlet } from '@troupe/edge';
import {
  type ActorCommand,
  type CommandBatch,
  type Message,
  type RoomKind,
  GatewayStreamWriter,
  decodeCommandBatch,
  encodeCommandBatch,
  readGatewayStream,
} from '@troupe/protocol';
import { type EdgeSink, type LoadedRoom, type RoomLimits, type RoomOutput, Room } from '@troupe/room';
import { SimClock } from './sim-clock';

export interface RoomHarnessOptions {
  /** Default: a durable open group with the member `alice`. */
  room?: Partial<LoadedRoom>;
  limits?: Partial<RoomLimits>;
  pieceBytes?: number;
  totalsOf?: (kind: RoomKind) => MailboxTotals;
}

const ROOM = 'room';

/**
 * One room's actor and the edges that read it, joined by the binary stream and the command batches that cross the bus,
 * in simulated time. The store commits at the end of the turn. Readers' transports come from the test.
 */
export class RoomHarness {
  readonly clock = new SimClock();
  readonly room: Room;
  readonly messages: Message[] = [];
  private readonly edges: HarnessEdge[] = [];
  private published = 0;

  constructor(private readonly options: RoomHarnessOptions = {}) {
    const limits: RoomLimits = {
      ring: { messagesMax: 100, bytesMax: 1_000_000 },
      pendingMax: 1_000,
      recentMax: 1_000,
      resumeMax: 1_000,
      ...options.limits,
    };
    this.room = new Room(ROOM, 1, limits, this.output(), options.totalsOf);
  }

  get ledger(): Room['audience']['ledger'] {
    return this.room.audience.ledger;
  }

  /** A gateway's side of the room. */
  edge(): HarnessEdge {
    const edge = new HarnessEdge(`edge-${this.edges.length + 1}`, this, this.options.pieceBytes ?? 100_000);
    this.edges.push(edge);
    return edge;
  }

  /** Publishes one message as `alice`, or as whoever is named. Nothing moves before the turn ends. */
  publish(text = `message ${this.published + 1}`, from = 'alice'): void {
    const id = `00000000-0000-7000-8000-${String(++this.published).padStart(12, '0')}`;
    this.room.publish({ t: 'publish', ref: 1, room: ROOM, from, id, text }, nobody, this.stamp());
  }

  publishMany(count: number): void {
    for (let i = 0; i < count; i++) this.publish();
  }

  /** Lets `ticks` milliseconds pass; first, this turn ends. */
  tick(ticks = 1): void {
    this.clock.advance(ticks);
  }

  /** Hands a batch to the room, as the host does. */
  receive(bytes: Uint8Array, edge: EdgeSink): void {
    for (const command of decodeCommandBatch(bytes).commands) this.dispatch(command, edge);
  }

  private dispatch(command: ActorCommand, edge: EdgeSink): void {
    const { room } = this;
    const stamp = this.stamp();
    switch (command.t) {
      case 'publish':
        return room.publish(command, edge, stamp);
      case 'attach':
        return room.attach(command, edge, stamp, false);
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

  private stamp(): { nowMs: number; at: string } {
    return { nowMs: this.clock.nowMs(), at: this.clock.wallTime() };
  }

  private output(): RoomOutput {
    const { clock, messages } = this;
    const later = (action: () => void): void => clock.turnEnd(action);
    return {
      saturated: false,
      load: () => later(() => this.room.loaded(this.record(), this.stamp())),
      commit: (_room, message) =>
        later(() => {
          this.keep(message);
          this.room.committed(message);
        }),
      reserve: (_room, done) => later(() => done(messages.length + 1_000)),
      fetch: (_room, { after, limit }, done) =>
        later(() => done(messages.filter(({ seq }) => seq > after).slice(0, limit))),
      changeMember: (_change, done) => later(() => done('done')),
      published: (_message, body) => {
        if (this.options.room?.durable === false)
          this.keep(JSON.parse(Buffer.from(body).toString()) as Message);
      },
      memberChanged: () => undefined,
    };
  }

  private record(): LoadedRoom {
    return {
      kind: 'group',
      open: true,
      durable: true,
      onOverflow: 'drop-oldest',
      members: [{ user: 'alice', role: 'owner' }],
      head: this.messages.length,
      ...this.options.room,
    };
  }

  private keep({ room, seq, id, from, text, at }: Omit<Message, 'data'>): void {
    this.messages.push({ room, seq, id, from, text, at });
  }
}

/** Publishes without wanting an answer. */
const nobody: EdgeSink = {
  id: 'nobody',
  message: () => undefined,
  ack: () => undefined,
  piece: () => undefined,
  control: () => undefined,
};

/** One gateway: its stream from the actor, its commands to it, and its fan-out. One turn each way. */
export class HarnessEdge extends GatewayStreamWriter implements EdgeSink {
  readonly fanout: Fanout;
  /** What went to the actor and came from it, for tests of the protocol itself. */
  readonly commands: ActorCommand[] = [];
  delivered = 0;
  private outbox: CommandBatch['commands'] = [];
  private scheduled = false;
  private sessions = 0;

  constructor(
    readonly id: string,
    private readonly harness: RoomHarness,
    pieceBytes: number,
  ) {
    super();
    this.fanout = new Fanout(
      {
        clock: harness.clock,
        codec: (body) => body,
        send: (command) => this.send(command),
        delivered: (messages) => (this.delivered += messages),
        repaired: () => undefined,
      },
      { pieceBytes, chunkBytes: 1_000_000, retryMs: 1_000, joinWaitMs: 1_000 },
    );
    this.fanout.start();
  }

  /** Opens a session on a transport of the test's own and joins it to the room. */
  join(outlet: Outlet, options: { user?: string; head?: number; resumeAfter?: number } = {}): EdgeSession {
    const { user = 'alice', head = -1, resumeAfter } = options;
    const session = { no: ++this.sessions, user, outlet, subscriptions: new Map(), catching: null };
    this.fanout.open(session);
    const from = resumeAfter === undefined ? { head } : { head, resumeAfter };
    this.fanout.join(session, this.harness.room.id, from, (_head, go) => go());
    return session;
  }

  protected override wrote(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    this.harness.clock.turnEnd(() => {
      this.scheduled = false;
      readGatewayStream(this.take(), {
        message: (room, epoch, seq, body) => this.fanout.message(room, epoch, seq, body),
        ack: () => undefined,
        piece: (header, bodies) => this.fanout.piece(header, bodies),
        control: (record) => this.fanout.control(record),
      });
      this.fanout.distributeAll();
    });
  }

  private send(command: ActorCommand): void {
    this.commands.push(command);
    if (this.outbox.push(command) > 1) return;
    this.harness.clock.turnEnd(() => {
      const commands = this.outbox;
      this.outbox = [];
      this.harness.receive(encodeCommandBatch({ edge: this.id, partition: 0, epoch: 0, commands }), this);
    });
  }
}
