import type { NewRoom, RoomDirectory, RoomSummary } from '@troupe/ports';
import { type Role, type RoomHead, TroupeError } from '@troupe/protocol';
import type { Sql } from '../sql/sql';
import { statement } from '../sql/sql-files';
import { FOREIGN_KEY_VIOLATION, SqlFailure } from '../sql/sql-failure';

const HEADS_OF = statement('heads-of-user');
const ROOMS_OF = statement('rooms-of-user');
const ROOM = statement('room');
const CREATE = statement('create-room');
const MEMBERS = statement('members');

/** {@link RoomDirectory} on Postgres or PGlite. */
export class PostgresRoomDirectory implements RoomDirectory {
  constructor(private readonly sql: Sql) {}

  async headsOf(user: string): Promise<RoomHead[]> {
    return this.sql.query<RoomHead>(HEADS_OF, [user]);
  }

  async roomsOf(user: string, page: { after: string | null; limit: number }): Promise<RoomSummary[]> {
    return this.sql.query<RoomSummary>(ROOMS_OF, [user, page.after ?? '', page.limit]);
  }

  async room(room: string, viewer: string): Promise<RoomSummary | null> {
    const [row] = await this.sql.query<RoomSummary>(ROOM, [room, viewer]);
    return row ?? null;
  }

  /** Rejects with `not_found` when a member is no user. */
  async create(room: NewRoom): Promise<boolean> {
    const { title, kind, open, durable, onOverflow, members } = room;
    const params = [room.room, kind, title, open, durable, onOverflow];
    try {
      const made = await this.sql.query(CREATE, [
        ...params,
        members.map((m) => m.user),
        members.map((m) => m.role),
      ]);
      return made.length === 1;
    } catch (error) {
      if (!(error instanceof SqlFailure) || error.sqlState !== FOREIGN_KEY_VIOLATION) throw error;
      throw new TroupeError('not_found', 'a member is no user');
    }
  }

  async members(
    room: string,
    page: { after: string | null; limit: number },
  ): Promise<{ user: string; role: Role }[]> {
    return this.sql.query<{ user: string; role: Role }>(MEMBERS, [room, page.after ?? '', page.limit]);
  }
}
