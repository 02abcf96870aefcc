import { TroupeClient } from './troupe.client';
import { type Access, type Shape, roomIds } from './system';

/** Users of a room with many members; each has many sessions, since a login costs 70 ms of argon2. */
const USERS_OF_LARGE_ROOM = 10;
const LARGE_ROOM_MEMBERS = 100;
const PASSWORD = 'a-password-for-the-bench';
/** As many as the server hashes at a time, so that none is refused. */
const HASHING_MAX = 4;

interface User {
  id: string;
  token: string;
}

/** Users and rooms for the bench, in two lanes: rooms that are durable and rooms that are not. */
export class TroupePeople {
  readonly #client: TroupeClient;
  readonly #users: User[] = [];

  constructor(private readonly port: number) {
    this.#client = new TroupeClient(`http://127.0.0.1:${port}`);
  }

  /** A user of a small room has all of its sessions there, so that no session reads two rooms. */
  async prepare(shape: Shape): Promise<Access> {
    const perRoom = shape.membersPerRoom >= LARGE_ROOM_MEMBERS ? USERS_OF_LARGE_ROOM : 1;
    await this.#register(shape.rooms * perRoom);
    const lanes: Record<string, string[]> = {};
    for (const lane of ['volatile', 'durable']) {
      const ids = roomIds(`bench-${lane}-${shape.rooms}x${shape.membersPerRoom}`, shape.rooms);
      lanes[lane] = ids;
      await eachBounded(shape.rooms, async (room) => {
        const [owner, ...members] = this.#usersOf(room, perRoom);
        if (owner === undefined) throw new Error('a room needs a user');
        const id = ids[room] as string;
        await this.#client.openGroup(owner.token, {
          id,
          durable: lane === 'durable',
          members: members.map((user) => user.id),
        });
      });
    }
    return {
      driver: 'troupe',
      endpoints: [{ host: '127.0.0.1', port: this.port }],
      lanes,
      tokens: Array.from({ length: shape.rooms }, (_, room) =>
        this.#usersOf(room, perRoom).map((user) => user.token),
      ),
    };
  }

  #usersOf(room: number, perRoom: number): User[] {
    return this.#users.slice(room * perRoom, (room + 1) * perRoom);
  }

  async #register(count: number): Promise<void> {
    const first = this.#users.length;
    await eachBounded(count - first, async (i) => {
      const id = `bench-user-${first + i}`;
      await this.#client.register(id, PASSWORD);
      this.#users[first + i] = { id, token: await this.#client.login(id, PASSWORD) };
    });
  }
}

/** Runs `act` for 0 … count − 1, a few at a time. */
async function eachBounded(count: number, act: (i: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const i = next;
      next += 1;
      await act(i);
    }
  };
  await Promise.all(Array.from({ length: HASHING_MAX }, worker));
}
