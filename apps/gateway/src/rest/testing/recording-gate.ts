import type { RoomGate } from '@troupe/people';
import { TroupeError, type ErrorCode } from '@troupe/protocol';
import type { MemoryPeople } from './memory-people';

type Publish = Parameters<RoomGate['publish']>[0];
type Change = Parameters<RoomGate['changeMember']>[0];

/** A gate that keeps what it was asked, does it to the rows, and refuses when it is told to. */
export class RecordingGate implements RoomGate {
  readonly published: Publish[] = [];
  readonly changes: Change[] = [];
  readonly announced: [room: string, members: string[]][] = [];
  /** The next call is refused with it. */
  refuseWith: ErrorCode | undefined;

  constructor(private readonly people: MemoryPeople) {}

  async publish(m: Publish): Promise<{ seq: number; id: string; at: string; duplicate: boolean }> {
    this.published.push(m);
    this.refuse();
    const room = this.people.rooms.get(m.room);
    if (!room) throw new TroupeError('not_found', 'the actor found no room');
    const earlier = this.published.indexOf(
      this.published.find((p) => p.room === m.room && p.from === m.from && p.clientId === m.clientId) ?? m,
    );
    const repeated = m.clientId !== undefined && earlier < this.published.length - 1;
    const first = repeated ? room.messages[earlier] : undefined;
    if (first) return { seq: first.seq, id: first.id, at: first.at, duplicate: true };
    const seq = room.messages.length + 1;
    const ack = { seq, id: `message-${seq}`, at: '2026-01-01T00:00:00.000Z' };
    const { text, from, data } = m;
    room.messages.push({ room: m.room, from, text, ...ack, ...(data ? { data } : {}) });
    return { ...ack, duplicate: false };
  }

  async changeMember(c: Change): Promise<{ head: number }> {
    this.changes.push(c);
    this.refuse();
    const room = this.people.rooms.get(c.room);
    if (!room) throw new TroupeError('not_found', 'the actor found no room');
    if (c.change === 'join') room.members.set(c.user, c.role ?? room.members.get(c.user) ?? 'member');
    else room.members.delete(c.user);
    return { head: room.messages.length };
  }

  announceRoom(room: string, members: string[]): void {
    this.announced.push([room, members]);
  }

  private refuse(): void {
    const code = this.refuseWith;
    this.refuseWith = undefined;
    if (code) throw new TroupeError(code, `refused: ${code}`);
  }
}
