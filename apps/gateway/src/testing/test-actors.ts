import type { MessageBus } from '@troupe/ports';
import {
  type ActorCommand,
  type CommandBatch,
  type ControlRecord,
  GatewayStreamWriter,
  type MembershipNotice,
  PARTITIONS,
  decodeCommandBatch,
  encodeMessageFrame,
  subjects,
} from '@troupe/protocol';

const AT = '2030-01-01T00:00:00.000Z';
const EPOCH = 1;

interface ActorRoom {
  messages: Buffer[];
  /** Sessions of each edge. */
  edges: Map<string, Set<number>>;
}

/**
 * What is behind the bus, as far as a gateway can see: keeps rooms' messages and readers, answers each command at once
 * unless the test takes it for itself.
 */
export class TestActors {
  readonly commands: ActorCommand[] = [];
  /** A test that returns true here answers the command itself. */
  takes: (command: ActorCommand) => boolean = () => false;
  private readonly rooms = new Map<string, ActorRoom>();
  private readonly streams = new Map<string, GatewayStreamWriter>();

  constructor(private readonly bus: MessageBus) {
    for (let p = 0; p < PARTITIONS; p++)
      bus.subscribe(subjects.partition(p), ({ payload }) => this.receive(decodeCommandBatch(payload)));
  }

  of<T extends ActorCommand['t']>(t: T): Extract<ActorCommand, { t: T }>[] {
    return this.commands.filter((c): c is Extract<ActorCommand, { t: T }> => c.t === t);
  }

  /** Commits a message of somebody else's. */
  say(room: string, text: string): void {
    this.append(room, 'somebody', text);
    this.flush();
  }

  /** Tells every gateway of a membership change. */
  notice(notice: MembershipNotice): void {
    this.bus.publish(subjects.membership, Buffer.from(JSON.stringify(notice)));
  }

  /** Sends one record to every edge that has been heard of. */
  control(record: ControlRecord): void {
    for (const stream of this.streams.values()) stream.control(record);
    this.flush();
  }

  /** The sessions that are attached to a room. */
  readers(room: string): number {
    let count = 0;
    for (const sessions of this.room(room).edges.values()) count += sessions.size;
    return count;
  }

  private receive({ edge, commands }: CommandBatch): void {
    for (const command of commands) {
      this.commands.push(command);
      this.stream(edge);
      if (!this.takes(command)) this.carryOut(command, edge);
    }
    this.flush();
  }

  private carryOut(command: ActorCommand, edge: string): void {
    const room = this.room(command.room);
    const sessions = room.edges.get(edge) ?? new Set<number>();
    const stream = this.stream(edge);
    switch (command.t) {
      case 'publish': {
        const { id, ref } = command;
        const seq = this.append(command.room, command.from, command.text);
        return stream.ack({ ref, seq, id, at: AT, duplicate: false });
      }
      case 'attach': {
        room.edges.set(edge, sessions);
        for (const [session] of command.sessions) sessions.add(session);
        const { serial, after } = command;
        if (after !== null) this.repeat(command.room, after, stream);
        stream.control({
          c: 'attached',
          room: command.room,
          epoch: EPOCH,
          head: room.messages.length,
          sessions: sessions.size,
          ...(serial === undefined ? {} : { serial }),
        });
        return;
      }
      case 'detach':
        sessions.delete(command.session);
        if (sessions.size === 0) room.edges.delete(edge);
        return;
      case 'resume': {
        const { session, after } = command;
        const bodies = room.messages.slice(after);
        const upTo = room.messages.length;
        return stream.piece({ room: command.room, session, epoch: EPOCH, after, upTo, live: true }, bodies);
      }
      case 'member': {
        const change = command.change === 'join' ? 'joined' : 'left';
        const head = room.messages.length;
        this.notice({ room: command.room, user: command.user, change, head });
        return stream.control({ c: 'done', ref: command.ref, head });
      }
      case 'replay':
        return this.repeat(command.room, command.after, stream);
      case 'lagging':
      case 'reload':
        return;
    }
  }

  private repeat(id: string, after: number, stream: GatewayStreamWriter): void {
    const missed = this.room(id).messages.slice(after);
    missed.forEach((body, i) => stream.message(id, EPOCH, after + 1 + i, body));
  }

  private append(id: string, from: string, text: string): number {
    const room = this.room(id);
    const seq = room.messages.length + 1;
    const message = {
      room: id,
      seq,
      id: `00000000-0000-7000-8000-${String(seq).padStart(12, '0')}`,
      from,
      text,
      at: AT,
    };
    const body = Buffer.from(encodeMessageFrame(message));
    room.messages.push(body);
    for (const edge of room.edges.keys()) this.stream(edge).message(id, EPOCH, seq, body);
    return seq;
  }

  private room(id: string): ActorRoom {
    const room = this.rooms.get(id) ?? { messages: [], edges: new Map() };
    this.rooms.set(id, room);
    return room;
  }

  private stream(edge: string): GatewayStreamWriter {
    const stream = this.streams.get(edge) ?? new GatewayStreamWriter();
    this.streams.set(edge, stream);
    return stream;
  }

  private flush(): void {
    for (const [edge, stream] of this.streams) {
      if (stream.length > 0) this.bus.publish(subjects.gateway(edge), stream.take());
    }
  }
}
