import type { Fence, NewRoom } from '@troupe/ports';
import { partitionOf } from '@troupe/protocol';
import {
  type RoomStoreCapabilities,
  type StoreHarness,
  newGroup,
  rowFor,
  takeAll,
  uniqueId,
} from './database.harness';

/** `RoomStore.load`, `reserve`, `putMember` and `removeMember`. */
export function describeRooms(current: () => StoreHarness, can: RoomStoreCapabilities): void {
  describe('a room', () => {
    let harness: StoreHarness;
    let pod: string;
    let fence: Fence;
    let users: string[];

    beforeEach(async () => {
      harness = current();
      pod = uniqueId('pod');
      fence = await takeAll(harness.leases, pod);
      users = ['ann', 'ben', 'cat'].map(uniqueId);
      for (const user of users) await harness.createUser(user);
    });
    afterEach(() => harness.leases.release(pod));

    const make = async (other: Partial<NewRoom> = {}): Promise<{ room: string; partition: number }> => {
      const room = newGroup(other);
      await harness.createRoom(room);
      return { room: room.room, partition: partitionOf(room.room) };
    };
    const load = async (room: string) => (await harness.rooms.load([room])).get(room);
    const membersOf = async (room: string) =>
      (await load(room))?.members.map((m) => `${m.user} ${m.role}`).sort();
    /** The fence that the store no longer honours, because another pod has taken over. */
    const loseTo = async (other: string): Promise<Fence> => {
      await harness.leases.release(pod);
      return takeAll(harness.leases, other);
    };

    it('is loaded as it was made, with its members and its head', async () => {
      const [ann, ben] = users as [string, string];
      const settings = {
        room: uniqueId('room'),
        kind: 'private',
        title: 'Tea & "scones" 🫖',
        open: true,
        durable: true,
        onOverflow: 'disconnect',
      } as const;
      await harness.createRoom({
        ...settings,
        members: [
          { user: ben, role: 'member' },
          { user: ann, role: 'owner' },
        ],
      });
      await harness.rooms.commit([rowFor(settings.room, 1), rowFor(settings.room, 2)], fence);
      const { members, ...rest } = (await load(settings.room))!;
      expect(rest).toEqual({ ...settings, head: 2 });
      expect(new Map(members.map((m) => [m.user, m.role]))).toEqual(
        new Map([
          [ann, 'owner'],
          [ben, 'member'],
        ]),
      );
    });

    it('is loaded together with others, and missing where it does not exist', async () => {
      const [first, second] = [await make(), await make({ members: [{ user: users[0]!, role: 'owner' }] })];
      const loaded = await harness.rooms.load([first.room, uniqueId('room'), second.room]);
      expect([...loaded.keys()].sort()).toEqual([first.room, second.room].sort());
      expect(loaded.get(first.room)).toMatchObject({ members: [], head: 0, title: null });
      expect(await harness.rooms.load([])).toEqual(new Map());
    });

    it('that is not durable never has a seq promised twice', async () => {
      const { room, partition } = await make({ kind: 'channel', durable: false });
      const first = await harness.rooms.reserve(room, partition, 100, fence);
      expect(first).toBe(100);
      expect(await harness.rooms.reserve(room, partition, 50, fence)).toBe(150);
      expect((await load(room))?.head).toBe(150);
    });

    it('that is not durable begins with its next owner after all that was promised', async () => {
      const { room, partition } = await make({ kind: 'channel', durable: false });
      await harness.rooms.reserve(room, partition, 100, fence);
      const other = uniqueId('pod');
      const theirs = await loseTo(other);
      expect(await harness.rooms.reserve(room, partition, 100, fence)).toBeNull();
      expect((await load(room))?.head).toBe(100);
      expect(await harness.rooms.reserve(room, partition, 10, theirs)).toBe(110);
      await harness.leases.release(other);
    });

    it('promises nothing to a pod without an epoch for it', async () => {
      const { room, partition } = await make({ durable: false });
      expect(await harness.rooms.reserve(room, partition, 1, { pod, epochs: new Map() })).toBeNull();
    });

    it('gets and loses members, any number of times', async () => {
      const [ann, ben] = users as [string, string];
      const { room, partition } = await make({ members: [{ user: ann, role: 'owner' }] });
      const put = (user: string, role: 'admin' | 'member') =>
        harness.rooms.putMember({ room, partition, user, role }, fence);
      const remove = (user: string) => harness.rooms.removeMember({ room, partition, user }, fence);
      expect(await put(ben, 'member')).toBe(true);
      expect(await put(ben, 'member')).toBe(true);
      expect(await membersOf(room)).toEqual([`${ann} owner`, `${ben} member`].sort());
      expect(await put(ben, 'admin')).toBe(true);
      expect(await membersOf(room)).toEqual([`${ann} owner`, `${ben} admin`].sort());
      expect(await remove(ben)).toBe(true);
      expect(await remove(ben)).toBe(true);
      expect(await membersOf(room)).toEqual([`${ann} owner`]);
    });

    it('keeps its members when the pod that would change them has lost it', async () => {
      const [ann, ben] = users as [string, string];
      const { room, partition } = await make({ members: [{ user: ann, role: 'owner' }] });
      const other = uniqueId('pod');
      await loseTo(other);
      expect(await harness.rooms.putMember({ room, partition, user: ben, role: 'member' }, fence)).toBe(
        false,
      );
      expect(await harness.rooms.putMember({ room, partition, user: ann, role: 'member' }, fence)).toBe(
        false,
      );
      expect(await harness.rooms.removeMember({ room, partition, user: ann }, fence)).toBe(false);
      const none = { pod, epochs: new Map<number, number>() };
      expect(await harness.rooms.removeMember({ room, partition, user: ann }, none)).toBe(false);
      expect(await membersOf(room)).toEqual([`${ann} owner`]);
      await harness.leases.release(other);
    });

    if (can.users) {
      it('refuses a member who is no user as not found', async () => {
        const { room, partition } = await make();
        const put = harness.rooms.putMember(
          { room, partition, user: uniqueId('nobody'), role: 'member' },
          fence,
        );
        await expect(put).rejects.toMatchObject({ code: 'not_found' });
        expect(await membersOf(room)).toEqual([]);
      });
    }
  });
}
