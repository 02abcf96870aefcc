import { partitionOf } from '@troupe/protocol';
import type { HistoryEvent, HistoryFact, LoggedMessage } from './history.events';

/** One step of a run that keeps every promise. Numbers choose among what exists, modulo its size. */
export type ModelStep =
  | { op: 'publish'; session: number; room: number; reply: 'ack' | 'repeat' | 'silence' }
  | { op: 'refuse'; session: number; room: number }
  | { op: 'lose'; session: number; room: number }
  | { op: 'deliver'; session: number; room: number; count: number }
  | { op: 'drop'; session: number; room: number; count: number }
  | { op: 'takeover'; room: number }
  | { op: 'attach'; session: number; room: number }
  | { op: 'leave'; session: number; room: number }
  | { op: 'close'; session: number };

interface Reader {
  /** The last seq that the session was told of. */
  told: number;
  /** Dropped and not yet announced, up to this seq. */
  droppedTo: number;
}

interface ModelRoom {
  room: string;
  log: LoggedMessage[];
  epochs: number[];
  epoch: number;
  readers: Map<string, Reader>;
}

/**
 * A model of a correct system that writes down what its clients would see. The checker is tested with its runs:
 * as they are they must pass, and with one planted fault they must not.
 */
export class HistoryModel {
  private readonly events: HistoryEvent[] = [];
  private readonly rooms: ModelRoom[];
  private readonly sessions: string[];
  private readonly closed = new Set<string>();
  private published = 0;

  constructor(size: { rooms: number; sessions: number }) {
    this.rooms = Array.from({ length: size.rooms }, (_, i) => ({
      room: `room-${i}`,
      log: [],
      epochs: [],
      epoch: 1 + (partitionOf(`room-${i}`) % 3),
      readers: new Map(),
    }));
    this.sessions = Array.from({ length: size.sessions }, (_, i) => `session-${i}`);
    for (const session of this.sessions) for (const room of this.rooms) this.attach(session, room);
  }

  step(step: ModelStep): void {
    if (step.op === 'takeover') {
      pick(this.rooms, step.room).epoch += 1;
      return;
    }
    const session = pick(this.sessions, step.session);
    if (this.closed.has(session)) return;
    if (step.op === 'close') {
      this.close(session);
      return;
    }
    const room = pick(this.rooms, step.room);
    if (step.op === 'publish') this.publish(session, room, step.reply);
    else if (step.op === 'refuse') this.unsuccessful(session, room, 'forbidden');
    else if (step.op === 'lose') this.unsuccessful(session, room, 'unavailable');
    else if (step.op === 'attach') this.attach(session, room);
    else if (step.op === 'leave') this.leave(session, room);
    else if (step.op === 'drop') this.drop(session, room, step.count);
    else this.deliver(session, room, step.count);
  }

  /** Lets everything come to rest, reads the histories and the tables, and gives the whole run. */
  finish(): HistoryEvent[] {
    for (const room of this.rooms) {
      for (const session of room.readers.keys()) this.deliver(session, room, room.log.length);
    }
    for (const { room, log, epochs } of this.rooms) {
      this.add({ t: 'final', room, messages: log.map((m) => ({ ...m })) });
      log.forEach(({ seq, id }, at) => {
        const epoch = epochs[at] ?? 0;
        this.add({ t: 'row', room, seq, id, epoch, leaseEpoch: epoch, writer: `pod-${epoch % 2}` });
      });
    }
    return this.events;
  }

  private add(fact: HistoryFact): void {
    this.events.push({ ...fact, n: this.events.length, at: this.events.length });
  }

  private send(session: string, { room }: ModelRoom): { sender: string; clientId: string; text: string } {
    const clientId = `c${++this.published}`;
    const sent = { sender: `user-of-${session}`, clientId, text: `text of ${clientId}` };
    this.add({ t: 'send', session, room, attempt: clientId, ...sent });
    return sent;
  }

  private publish(session: string, room: ModelRoom, reply: 'ack' | 'repeat' | 'silence'): void {
    const { sender, clientId, text } = this.send(session, room);
    const seq = room.log.length + 1;
    const id = `${room.room}/${seq}`;
    room.log.push({ seq, id, from: sender, text });
    room.epochs.push(room.epoch);
    if (reply === 'silence') return;
    const ack = { t: 'ack', session, room: room.room, sender, clientId, seq, id } as const;
    this.add({ ...ack, attempt: clientId });
    if (reply === 'ack') return;
    const attempt = `${clientId}-again`;
    this.add({ t: 'send', session, room: room.room, sender, clientId, attempt, text });
    this.add({ ...ack, attempt });
  }

  private unsuccessful(session: string, room: ModelRoom, code: 'forbidden' | 'unavailable'): void {
    const { sender, clientId } = this.send(session, room);
    this.add({ t: 'error', session, room: room.room, sender, clientId, attempt: clientId, code });
  }

  private attach(session: string, room: ModelRoom): void {
    const head = room.log.length;
    this.add({ t: 'attach', session, room: room.room, head: room.readers.get(session)?.told ?? head });
    if (!room.readers.has(session)) room.readers.set(session, { told: head, droppedTo: head });
  }

  private leave(session: string, room: ModelRoom): void {
    if (room.readers.delete(session)) this.add({ t: 'detach', session, room: room.room });
  }

  private close(session: string): void {
    this.closed.add(session);
    for (const { readers } of this.rooms) readers.delete(session);
    this.add({ t: 'detach', session, room: null });
  }

  private drop(session: string, room: ModelRoom, count: number): void {
    const reader = room.readers.get(session);
    if (reader) reader.droppedTo = Math.min(Math.max(reader.told, reader.droppedTo) + count, room.log.length);
  }

  private deliver(session: string, { room, log, readers }: ModelRoom, count: number): void {
    const reader = readers.get(session);
    if (!reader) return;
    if (reader.droppedTo > reader.told) {
      const [from, to] = [reader.told + 1, reader.droppedTo];
      this.add({ t: 'gap', session, room, from, to, count: to - from + 1 });
      reader.told = to;
    }
    for (const message of log.slice(reader.told, reader.told + count)) {
      this.add({ t: 'receive', session, room, ...message });
      reader.told = message.seq;
    }
  }
}

function pick<T>(from: readonly T[], at: number): T {
  const found = from[at % from.length];
  if (found === undefined) throw new RangeError('nothing to choose from');
  return found;
}
