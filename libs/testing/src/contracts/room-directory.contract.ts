import type { NewRoom, RoomDirectory } from '@troupe/ports';
import { type StoreHarness, newGroup, rowFor, takeAll, uniqueId } from './database.harness';

export type DirectoryHarness = StoreHarness & { directory: RoomDirectory };

/** What every {@link RoomDirectory} does. `open` as for the room store. */
export function roomDirectoryContract(name: string, open: () => Promise<DirectoryHarness>): void {
  describe(`room directory: ${name}`, () => {
    let harness: DirectoryHarness;
    let directory: RoomDirectory;
    let ann: string;
    let ben: string;

    beforeAll(async () => {
      harness = await open();
      directory = harness.directory;
    }, 60_000);
    afterAll(() => harness.close());
    beforeEach(async () => {
      [ann, ben] = [uniqueId('ann'), uniqueId('ben')];
      await harness.createUser(ann);
      await harness.createUser(ben);
    });

    const make = async (other: Partial<NewRoom> = {}): Promise<string> => {
      const room = newGroup({ members: [{ user: ann, role: 'owner' }], ...other });
      expect(await directory.create(room)).toBe(true);
      return room.room;
    };
    const write = async (room: string, count: number): Promise<void> => {
      const pod = uniqueId('pod');
      const fence = await takeAll(harness.leases, pod);
      await harness.rooms.commit(
        Array.from({ length: count }, (_, i) => rowFor(room, i + 1)),
        fence,
      );
      await harness.leases.release(pod);
    };

    it('shows a room as its viewer sees it', async () => {
      const room = await make({
        kind: 'channel',
        title: 'News',
        open: true,
        durable: false,
        onOverflow: 'disconnect',
      });
      const seen = {
        room,
        kind: 'channel',
        title: 'News',
        open: true,
        durable: false,
        onOverflow: 'disconnect',
      };
      const expected = {
        ...seen,
        head: 0,
        lastRead: 0,
        at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]{12}Z$/),
      };
      expect(await directory.room(room, ann)).toEqual({ ...expected, role: 'owner' });
      expect(await directory.room(room, ben)).toEqual({ ...expected, role: null });
      expect(await directory.room(uniqueId('room'), ann)).toBeNull();
    });

    it('makes a room that its actor can load', async () => {
      const room = await make();
      expect((await harness.rooms.load([room])).get(room)?.members).toEqual([{ user: ann, role: 'owner' }]);
    });

    it('does not make a room twice, and leaves the first as it is', async () => {
      const room = await make({ title: 'first' });
      expect(
        await directory.create(newGroup({ room, title: 'second', members: [{ user: ben, role: 'owner' }] })),
      ).toBe(false);
      expect(await directory.room(room, ben)).toMatchObject({ title: 'first', role: null });
    });

    it('makes one room when many ask for it at once', async () => {
      const room = uniqueId('room');
      const made = await Promise.all(Array.from({ length: 6 }, () => directory.create(newGroup({ room }))));
      expect(made.filter(Boolean)).toHaveLength(1);
    });

    it('makes nothing when a member is no user', async () => {
      const room = newGroup({
        members: [
          { user: ann, role: 'owner' },
          { user: uniqueId('nobody'), role: 'member' },
        ],
      });
      await expect(directory.create(room)).rejects.toMatchObject({ code: 'not_found' });
      expect(await directory.room(room.room, ann)).toBeNull();
    });

    it('gives the kind and head of each room of a user', async () => {
      const [first, second] = [await make(), await make({ kind: 'private' })];
      await make({ members: [{ user: ben, role: 'owner' }] });
      await write(first, 3);
      const heads = await directory.headsOf(ann);
      expect(new Map(heads.map((h) => [h.room, h]))).toEqual(
        new Map([
          [first, { room: first, kind: 'group', head: 3 }],
          [second, { room: second, kind: 'private', head: 0 }],
        ]),
      );
      expect(await directory.headsOf(uniqueId('nobody'))).toEqual([]);
    });

    it("pages through a user's rooms in the order of their ids", async () => {
      const rooms: string[] = [];
      // In an order of their own, and with letters that locales like to sort differently.
      for (const prefix of ['b', 'A', 'a', '_', 'B', '-', '9'])
        rooms.push(await make({ room: uniqueId(prefix) }));
      await make({ members: [{ user: ben, role: 'owner' }] });
      await write(rooms[1]!, 2);
      const seen = [];
      for (let after: string | null = null; ; after = seen.at(-1)!.room) {
        const page = await directory.roomsOf(ann, { after, limit: 3 });
        seen.push(...page);
        if (page.length < 3) break;
      }
      expect(seen.map((r) => r.room)).toEqual([...rooms].sort());
      expect(seen.find((r) => r.room === rooms[1])).toMatchObject({ head: 2, role: 'owner', lastRead: 0 });
    });

    it("pages through a room's members in the order of their ids", async () => {
      const users: string[] = [];
      for (const prefix of ['u', 'U', '_', '0']) {
        const user = uniqueId(prefix);
        await harness.createUser(user);
        users.push(user);
      }
      const room = await make({
        members: users.map((user, i) => ({ user, role: i === 0 ? 'owner' : 'member' })),
      });
      const first = await directory.members(room, { after: null, limit: 3 });
      const rest = await directory.members(room, { after: first.at(-1)!.user, limit: 3 });
      expect([...first, ...rest].map((m) => m.user)).toEqual([...users].sort());
      expect(first.concat(rest).find((m) => m.user === users[0])?.role).toBe('owner');
      expect(await directory.members(uniqueId('room'), { after: null, limit: 3 })).toEqual([]);
    });
  });
}
