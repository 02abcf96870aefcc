import type {
  CommitOutcome,
  CommitRow,
  DuplicateRow,
  Fence,
  HistoryPage,
  RoomRecord,
  RoomStore,
} from '@troupe/ports';
import { TroupeError } from '@troupe/protocol';
import type { Message, Role } from '@troupe/protocol';
import type { MemoryDatabase, RoomRow } from './memory-database';
import { MessageLog } from './message-log';
import type { StoredMessage } from './message-log';

/** Rooms and messages in memory: what a simulation runs on. Nothing outlives the process. */
export class MemoryRoomStore implements RoomStore {
  constructor(private readonly db: MemoryDatabase) {}

  load(rooms: readonly string[]): Promise<Map<string, RoomRecord>> {
    return this.db.run('load', () => {
      const found = new Map<string, RoomRecord>();
      for (const id of rooms) {
        const room = this.db.rooms.get(id);
        if (room) found.set(id, record(room, this.db.head(id)));
      }
      return found;
    });
  }

  heads(rooms: readonly string[]): Promise<Map<string, number>> {
    return this.db.run('heads', () => new Map(rooms.map((id) => [id, this.headIfAny(id)])));
  }

  commit(rows: readonly CommitRow[], fence: Fence): Promise<CommitOutcome> {
    return this.db.run('commit', () => {
      const lost = new Set<number>();
      for (const row of rows) if (!this.db.holds(row.partition, fence)) lost.add(row.partition);
      const held = rows.filter((row) => !lost.has(row.partition));

      const found = new Set(held.flatMap((row) => this.db.log(row.room).repeated(row) ?? []));
      if (found.size > 0) return { kind: 'duplicates', found: [...found].map(duplicate) };

      const taken = held.filter((row) => this.db.log(row.room).has(row.seq));
      if (taken.length > 0) return { kind: 'conflict', rooms: [...new Set(taken.map((row) => row.room))] };

      assertDistinct(held);
      for (const row of held) {
        this.db.log(row.room).add({ ...structuredClone(row), epoch: fence.epochs.get(row.partition)! });
      }
      return { kind: 'committed', lost };
    });
  }

  reserve(room: string, partition: number, count: number, fence: Fence): Promise<number | null> {
    return this.db.run('reserve', () => {
      if (!this.db.holds(partition, fence)) return null;
      const row = this.existing(room);
      row.reserved = this.db.head(room) + count;
      return row.reserved;
    });
  }

  putMember(
    m: { room: string; partition: number; user: string; role: Role },
    fence: Fence,
  ): Promise<boolean> {
    return this.db.run('putMember', () => {
      if (!this.db.holds(m.partition, fence)) return false;
      this.existing(m.room).members.set(m.user, m.role);
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
      const log = this.db.log(room);
      if ('after' in page) {
        const start = log.firstFrom(page.after + 1);
        const end = Math.min(log.rows.length, start + page.limit);
        return { messages: log.rows.slice(start, end).map(message), more: end < log.rows.length };
      }
      const end = page.before === undefined ? log.rows.length : log.firstFrom(page.before);
      const start = Math.max(0, end - page.limit);
      return { messages: log.rows.slice(start, end).map(message), more: start > 0 };
    });
  }

  private headIfAny(room: string): number {
    return this.db.rooms.has(room) ? this.db.head(room) : 0;
  }

  private existing(room: string): RoomRow {
    const row = this.db.rooms.get(room);
    if (!row) throw new TroupeError('not_found', 'no such room');
    return row;
  }
}

/** A batch that clashes with itself is a bug of its actor, and must not pass for a clash with what is stored. */
function assertDistinct(rows: readonly CommitRow[]): void {
  const batch = new Map<string, MessageLog>();
  for (const row of rows) {
    const log = batch.get(row.room) ?? new MessageLog();
    if (log.repeated(row) || log.has(row.seq)) throw new RangeError('two rows of the batch are one message');
    log.add({ ...row, epoch: 0 });
    batch.set(row.room, log);
  }
}

function record(room: RoomRow, head: number): RoomRecord {
  const members = [...room.members].map(([user, role]) => ({ user, role }));
  members.sort((a, b) => (a.user < b.user ? -1 : 1));
  return { ...room.settings, members, head };
}

function duplicate({ room, from, clientId, id, seq, at }: StoredMessage): DuplicateRow {
  return { room, from, clientId, id, seq, at };
}

function message({ room, seq, id, from, text, at, data }: StoredMessage): Message {
  return { room, seq, id, from, text, at, ...(data === null ? {} : { data: structuredClone(data) }) };
}
