import type { HistoryPage } from '@troupe/ports';
import { type StoreHarness, newGroup, rowFor, takeAll, uniqueId } from './database.harness';

/** `RoomStore.history` and `heads`: pages, both ways and at both ends. */
export function describeHistory(current: () => StoreHarness): void {
  describe('history', () => {
    const LENGTH = 25;
    let room: string;
    let harness: StoreHarness;

    beforeAll(async () => {
      harness = current();
      const [group, neighbour] = [newGroup(), newGroup()];
      room = group.room;
      const pod = uniqueId('pod');
      const fence = await takeAll(harness.leases, pod);
      for (const { room: id } of [group, neighbour]) {
        await harness.createRoom({ ...group, room: id });
        const rows = Array.from({ length: LENGTH }, (_, i) => rowFor(id, i + 1));
        // In pieces, so that the order of pages is not just that of one insert.
        await harness.rooms.commit(rows.slice(0, 9), fence);
        await harness.rooms.commit(rows.slice(9), fence);
      }
      await harness.leases.release(pod);
    });

    const page = async (options: HistoryPage) => {
      const { messages, more } = await harness.rooms.history(room, options);
      expect(messages.every((m) => m.room === room)).toBe(true);
      return { seqs: messages.map((m) => m.seq), more };
    };
    const range = (from: number, to: number): number[] =>
      Array.from({ length: to - from + 1 }, (_, i) => from + i);

    it.each<[HistoryPage, number[], boolean]>([
      [{ limit: 5 }, range(21, 25), true],
      [{ limit: 24 }, range(2, 25), true],
      [{ limit: 25 }, range(1, 25), false],
      [{ limit: 200 }, range(1, 25), false],
      [{ limit: 5, before: 21 }, range(16, 20), true],
      [{ limit: 5, before: 7 }, range(2, 6), true],
      [{ limit: 5, before: 6 }, range(1, 5), false],
      [{ limit: 5, before: 3 }, range(1, 2), false],
      [{ limit: 5, before: 1 }, [], false],
      [{ limit: 5, before: 0 }, [], false],
      [{ limit: 5, before: 1_000_000 }, range(21, 25), true],
      [{ limit: 5, before: Number.MAX_SAFE_INTEGER }, range(21, 25), true],
      [{ limit: 5, after: 0 }, range(1, 5), true],
      [{ limit: 5, after: 7 }, range(8, 12), true],
      [{ limit: 5, after: 19 }, range(20, 24), true],
      [{ limit: 5, after: 20 }, range(21, 25), false],
      [{ limit: 5, after: 23 }, range(24, 25), false],
      [{ limit: 5, after: 25 }, [], false],
      [{ limit: 5, after: Number.MAX_SAFE_INTEGER }, [], false],
    ])(
      'of %j is the right page, oldest first, and says whether there is more',
      async (options, seqs, more) => {
        expect(await page(options)).toEqual({ seqs, more });
      },
    );

    it('walked backwards has every message once', async () => {
      const seen: number[] = [];
      let before: number | undefined;
      for (;;) {
        const { seqs, more } = await page({ limit: 4, ...(before === undefined ? {} : { before }) });
        seen.unshift(...seqs);
        if (!more) break;
        before = seqs[0];
      }
      expect(seen).toEqual(range(1, LENGTH));
    });

    it('walked forwards has every message once', async () => {
      const seen: number[] = [];
      for (;;) {
        const { seqs, more } = await page({ limit: 4, after: seen.at(-1) ?? 0 });
        seen.push(...seqs);
        if (!more) break;
      }
      expect(seen).toEqual(range(1, LENGTH));
    });

    it('of a room that does not exist is empty', async () => {
      expect(await harness.rooms.history(uniqueId('room'), { limit: 5 })).toEqual({
        messages: [],
        more: false,
      });
    });

    it('has the newest seq of each room as its head, and 0 where there is none', async () => {
      const [empty, nowhere] = [newGroup(), uniqueId('room')];
      await harness.createRoom(empty);
      expect(await harness.rooms.heads([room, empty.room, nowhere])).toEqual(
        new Map([
          [room, LENGTH],
          [empty.room, 0],
          [nowhere, 0],
        ]),
      );
      expect(await harness.rooms.heads([])).toEqual(new Map());
    });
  });
}
