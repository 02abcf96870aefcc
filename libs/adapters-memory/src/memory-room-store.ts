import type {
  CommitOutcome,
  CommitRow,
  DuplicateRow,
  Fence,
  HistoryPage,
  RoomRecord,
  RoomStore,
} from '@troupe/ports';
import type { Message, Role } from '@troupe/protocol';
import { headOf, senderKey } from './memory-database';
import type { MemoryDatabase, RoomRow } from './memory-database';

/** Rooms and messages in memory: what a simulation runs on. Nothing outlives the process. */
export class MemoryRoomStore implements RoomStore {
  constructor(private readonly db: MemoryDatabase) {}

  load(rooms: readonly string[]): Promise<Map<string, RoomRecord>> {
    return this.db.run('load', () => {
      const found = new Map<string, RoomRecord>();
      for (const id of rooms) {
        const room = this.db.rooms.get(id);
        if (room) found.set(id, record(room));
      }
      return found;
    });
  }

  heads(rooms: readonly string[]): Promise<Map<string, number>> {
    return this.db.run('heads', () => {
      const newest = (id: string): number => this.db.rooms.get(id)?.messages.at(-1)?.seq ?? 0;
      return new Map(rooms.map((id) => [id, newest(id)]));
    });
  }

  commit(rows: readonly CommitRow[], fence: Fence): Promise<CommitOutcome> {
    return this.db.run('commit', () => {
      const lost = new Set<number>();
      for (const row of rows) if (!this.db.holds(row.partition, fence)) lost.add(row.partition);
      const mine = rows.filter((row) => !lost.has(row.partition));

      const found = mine.flatMap((row) => this.committedBefore(row) ?? []);
      if (found.length > 0) return { kind: 'duplicates', found };

      const taken = mine.filter((row) => messageAt(this.db.roomOf(row.room), row.seq) !== undefined);
      if (taken.length > 0) return { kind: 'conflict', rooms: [...new Set(taken.map((row) => row.room))] };

      for (const row of mine) append(this.db.roomOf(row.room), structuredClone(row));
      return { kind: 'committed', lost };
    });
  }

  reserve(room: string, partition: number, count: number, fence: Fence): Promise<number | null> {
    return this.db.run('reserve', () => {
      if (!this.db.holds(partition, fence)) return null;
      const row = this.db.roomOf(room);
      row.reserved = headOf(row) + count;
      return row.reserved;
    });
  }

  putMember(
    m: { room: string; partition: number; user: string; role: Role },
    fence: Fence,
  ): Promise<boolean> {
    return this.db.run('putMember', () => {
      if (!this.db.holds(m.partition, fence)) return false;
      this.db.roomOf(m.room).members.set(m.user, m.role);
      return true;
    });
  }

  removeMember(m: { room: string; partition: number; user: string }, fence: Fence): Promise<boolean> {
    return this.db.run('removeMember', () => {
      if (!this.db.holds(m.partition, fence)) return false;
      this.db.rooms.get(m.room)?.members.delete(m.user);
      return true;
    });
  }

  history(room: string, page: HistoryPage): Promise<{ messages: Message[]; more: boolean }> {
    return this.db.run('history', () => {
      const all = this.db.rooms.get(room)?.messages ?? [];
      if ('after' in page) {
        const start = firstAfter(all, page.after);
        const end = Math.min(all.length, start + page.limit);
        return { messages: all.slice(start, end).map(message), more: end < all.length };
      }
      const end = page.before === undefined ? all.length : firstAfter(all, page.before - 1);
      const start = Math.max(0, end - page.limit);
      return { messages: all.slice(start, end).map(message), more: start > 0 };
    });
  }

  private committedBefore(row: CommitRow): DuplicateRow | undefined {
    const { sent } = this.db.roomOf(row.room);
    const same =
      sent.get(row.id) ?? (row.clientId === null ? undefined : sent.get(senderKey(row.from, row.clientId)));
    if (!same) return undefined;
    const { room, from, clientId, id, seq, at } = same;
    return { room, from, clientId, id, seq, at };
  }
}

function append(room: RoomRow, row: CommitRow): void {
  room.messages.push(row);
  room.sent.set(row.id, row);
  if (row.clientId !== null) room.sent.set(senderKey(row.from, row.clientId), row);
}

function record(room: RoomRow): RoomRecord {
  const members = [...room.members].map(([user, role]) => ({ user, role }));
  return { ...room.settings, members, head: headOf(room) };
}

/** The index of the first message with a seq above `seq`. */
function firstAfter(messages: readonly CommitRow[], seq: number): number {
  let low = 0;
  let high = messages.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (messages[middle]!.seq <= seq) low = middle + 1;
    else high = middle;
  }
  return low;
}

function messageAt(room: RoomRow, seq: number): CommitRow | undefined {
  const found = room.messages[firstAfter(room.messages, seq - 1)];
  return found?.seq === seq ? found : undefined;
}

function message(row: CommitRow): Message {
  const { room, seq, id, from, text, at, data } = row;
  return { room, seq, id, from, text, at, ...(data === null ? {} : { data: structuredClone(data) }) };
}
