import type {
  CommitOutcome,
  CommitRow,
  DuplicateRow,
  Fence,
  HistoryPage,
  RoomRecord,
  RoomStore,
} from '@troupe/ports';
import { type JsonObject, type Message, type Role, TroupeError } from '@troupe/protocol';
import type { Sql } from '../sql/sql';
import { statement } from '../sql/sql-files';
import { FOREIGN_KEY_VIOLATION, SqlFailure, UNIQUE_VIOLATION } from '../sql/sql-failure';
import { type CommitColumns, clientIdOf, commitColumns } from './commit-columns';

const LOAD = statement('load-rooms');
const HEADS = statement('heads');
const COMMIT = statement('commit');
const CLASHES = statement('commit-clashes');
const RESERVE = statement('reserve');
const PUT_MEMBER = statement('put-member');
const REMOVE_MEMBER = statement('remove-member');
const HISTORY_BEFORE = statement('history-before');
const HISTORY_AFTER = statement('history-after');

interface ClashRow {
  room: string;
  seq: number;
  id: string;
  sender: string;
  clientKey: string;
  at: string;
  repeat: boolean;
}

interface MessageRow {
  room: string;
  seq: number;
  id: string;
  sender: string;
  text: string;
  data: JsonObject | null;
  at: string;
}

/** {@link RoomStore} on Postgres or PGlite. */
export class PostgresRoomStore implements RoomStore {
  constructor(private readonly sql: Sql) {}

  async load(rooms: readonly string[]): Promise<Map<string, RoomRecord>> {
    if (rooms.length === 0) return new Map();
    const found = await this.sql.query<RoomRecord>(LOAD, [rooms]);
    return new Map(found.map((room) => [room.room, room]));
  }

  async heads(rooms: readonly string[]): Promise<Map<string, number>> {
    const heads = new Map(rooms.map((room) => [room, 0]));
    if (rooms.length === 0) return heads;
    const found = await this.sql.query<{ room: string; head: number }>(HEADS, [rooms]);
    for (const { room, head } of found) heads.set(room, head);
    return heads;
  }

  async commit(rows: readonly CommitRow[], fence: Fence): Promise<CommitOutcome> {
    // Partitions that the fence has no epoch for are lost without asking: nothing can be written there.
    const lost = new Set(rows.map((row) => row.partition));
    const claimed = [...lost].filter((partition) => fence.epochs.has(partition));
    if (claimed.length === 0) return { kind: 'committed', lost };

    const c = commitColumns(rows);
    const epochs = claimed.map((partition) => fence.epochs.get(partition) ?? 0);
    const columns = [c.rooms, c.partitions, c.seqs, c.ids, c.senders, c.clientKeys, c.texts, c.data, c.ats];
    try {
      const held = await this.sql.query<{ id: number }>(COMMIT, [...columns, claimed, epochs, fence.pod]);
      for (const { id } of held) lost.delete(id);
      return { kind: 'committed', lost };
    } catch (error) {
      if (!(error instanceof SqlFailure) || error.sqlState !== UNIQUE_VIOLATION) throw error;
      return this.whatClashes(c, error);
    }
  }

  async reserve(room: string, partition: number, count: number, fence: Fence): Promise<number | null> {
    const epoch = fence.epochs.get(partition);
    if (epoch === undefined) return null;
    const [row] = await this.sql.query<{ held: number; reserved: number | null }>(RESERVE, [
      partition,
      fence.pod,
      epoch,
      room,
      count,
    ]);
    if (!row?.held) return null;
    if (row.reserved === null) throw new TroupeError('not_found', 'no such room');
    return row.reserved;
  }

  async putMember(
    m: { room: string; partition: number; user: string; role: Role },
    fence: Fence,
  ): Promise<boolean> {
    const epoch = fence.epochs.get(m.partition);
    if (epoch === undefined) return false;
    try {
      const params = [m.partition, fence.pod, epoch, m.room, m.user, m.role];
      const [row] = await this.sql.query<{ held: number }>(PUT_MEMBER, params);
      return row?.held === 1;
    } catch (error) {
      if (!(error instanceof SqlFailure) || error.sqlState !== FOREIGN_KEY_VIOLATION) throw error;
      throw new TroupeError('not_found', 'no such user or room');
    }
  }

  async removeMember(m: { room: string; partition: number; user: string }, fence: Fence): Promise<boolean> {
    const epoch = fence.epochs.get(m.partition);
    if (epoch === undefined) return false;
    const params = [m.partition, fence.pod, epoch, m.room, m.user];
    const [row] = await this.sql.query<{ held: number }>(REMOVE_MEMBER, params);
    return row?.held === 1;
  }

  async history(room: string, page: HistoryPage): Promise<{ messages: Message[]; more: boolean }> {
    const forward = 'after' in page;
    const from = forward ? page.after : (page.before ?? Number.MAX_SAFE_INTEGER);
    // One row more than asked for tells whether the range goes on.
    const rows = await this.sql.query<MessageRow>(forward ? HISTORY_AFTER : HISTORY_BEFORE, [
      room,
      from,
      page.limit + 1,
    ]);
    const messages = rows.slice(0, page.limit).map(toMessage);
    return { messages: forward ? messages : messages.reverse(), more: rows.length > page.limit };
  }

  /** The commit wrote nothing, because a message or a seq is there already: says which. */
  private async whatClashes(c: CommitColumns, failure: SqlFailure): Promise<CommitOutcome> {
    const params = [c.rooms, c.seqs, c.ids, c.senders, c.clientKeys];
    const clashes = await this.sql.query<ClashRow>(CLASHES, params);
    // Repeats come first: without them the seqs of the rest change, and whether one is taken is asked again.
    const repeats = new Map(clashes.filter((m) => m.repeat).map((m) => [`${m.room} ${m.seq}`, m]));
    if (repeats.size > 0) return { kind: 'duplicates', found: [...repeats.values()].map(toDuplicate) };
    // Nothing there: the batch clashes with itself, which its actor must not let happen.
    if (clashes.length === 0) throw failure;
    return { kind: 'conflict', rooms: [...new Set(clashes.map((m) => m.room))] };
  }
}

function toDuplicate({ room, sender, clientKey, id, seq, at }: ClashRow): DuplicateRow {
  return { room, from: sender, clientId: clientIdOf(clientKey), id, seq, at };
}

function toMessage({ room, seq, id, sender, text, at, data }: MessageRow): Message {
  return { room, seq, id, from: sender, text, at, ...(data === null ? {} : { data }) };
}
