import type {
  AccountStore,
  HistoryPage,
  NewRoom,
  RoomDirectory,
  RoomSummary,
  SigningKey,
  UserRecord,
} from '@troupe/ports';
import type { Message, Role, RoomHead } from '@troupe/protocol';

interface Room extends Omit<NewRoom, 'members'> {
  members: Map<string, Role>;
  messages: Message[];
}

/** The rows behind the HTTP routes under test, in memory: accounts, rooms, messages. */
export class MemoryPeople implements AccountStore, RoomDirectory {
  readonly users = new Map<string, UserRecord & { passwordHash: string }>();
  readonly services = new Map<string, { id: string; secretHash: string; scopes: string[] }>();
  readonly rooms = new Map<string, Room>();
  /** Set: every call rejects with it. */
  fault: Error | undefined;
  private key: SigningKey | undefined;

  async createUser(user: UserRecord & { passwordHash: string }): Promise<boolean> {
    this.check();
    const folded = user.id.toLowerCase();
    if ([...this.users.keys()].some((id) => id.toLowerCase() === folded)) return false;
    this.users.set(user.id, user);
    return true;
  }

  async user(id: string): Promise<UserRecord | null> {
    this.check();
    const user = this.users.get(id);
    return user ? { id: user.id, name: user.name } : null;
  }

  async passwordHash(id: string): Promise<string | null> {
    this.check();
    return this.users.get(id)?.passwordHash ?? null;
  }

  async existing(ids: readonly string[]): Promise<Set<string>> {
    this.check();
    return new Set(ids.filter((id) => this.users.has(id)));
  }

  async service(id: string): Promise<{ id: string; secretHash: string; scopes: string[] } | null> {
    this.check();
    return this.services.get(id) ?? null;
  }

  async signingKey(create: () => Promise<SigningKey>): Promise<SigningKey> {
    this.check();
    this.key ??= await create();
    return this.key;
  }

  async headsOf(user: string): Promise<RoomHead[]> {
    return (await this.roomsOf(user, { after: null, limit: Infinity })).map(({ room, kind, head }) => ({
      room,
      kind,
      head,
    }));
  }

  async roomsOf(user: string, page: { after: string | null; limit: number }): Promise<RoomSummary[]> {
    this.check();
    const mine = [...this.rooms.values()].filter((room) => room.members.has(user));
    return pageOf(
      mine.map((room) => summary(room, user)),
      (room) => room.room,
      page,
    );
  }

  async room(id: string, viewer: string): Promise<RoomSummary | null> {
    this.check();
    const room = this.rooms.get(id);
    return room ? summary(room, viewer) : null;
  }

  async create(room: NewRoom): Promise<boolean> {
    this.check();
    if (this.rooms.has(room.room)) return false;
    const members = new Map(room.members.map((m) => [m.user, m.role]));
    this.rooms.set(room.room, { ...room, members, messages: [] });
    return true;
  }

  async members(
    id: string,
    page: { after: string | null; limit: number },
  ): Promise<{ user: string; role: Role }[]> {
    this.check();
    const members = [...(this.rooms.get(id)?.members ?? [])].map(([user, role]) => ({ user, role }));
    return pageOf(members, (member) => member.user, page);
  }

  async history(id: string, page: HistoryPage): Promise<{ messages: Message[]; more: boolean }> {
    this.check();
    const all = this.rooms.get(id)?.messages ?? [];
    if ('after' in page) {
      const range = all.filter((m) => m.seq > page.after);
      return { messages: range.slice(0, page.limit), more: range.length > page.limit };
    }
    const range = all.filter((m) => m.seq < (page.before ?? Infinity));
    return { messages: range.slice(-page.limit), more: range.length > page.limit };
  }

  private check(): void {
    if (this.fault) throw this.fault;
  }
}

function summary(room: Room, viewer: string): RoomSummary {
  const { members, messages, ...settings } = room;
  return {
    ...settings,
    role: members.get(viewer) ?? null,
    head: messages.length,
    lastRead: 0,
    at: '2026-01-01T00:00:00.000Z',
  };
}

function pageOf<T>(
  items: T[],
  idOf: (item: T) => string,
  page: { after: string | null; limit: number },
): T[] {
  return items
    .sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1))
    .filter((item) => page.after === null || idOf(item) > page.after)
    .slice(0, page.limit);
}
