import type { CommitRow, Fence } from '@troupe/ports';
import { type JsonObject, TroupeError, partitionOf } from '@troupe/protocol';
import {
  type StoreHarness,
  fenceOf,
  messageId,
  newGroup,
  rowFor,
  takeAll,
  uniqueId,
} from './database.harness';

const committed = (...lost: number[]) => ({ kind: 'committed', lost: new Set(lost) });

/** `RoomStore.commit`: the fence, repeats, conflicts, and that what is read is what was written. */
export function describeCommits(current: () => StoreHarness): void {
  describe('a commit', () => {
    let harness: StoreHarness;
    let pod: string;
    let fence: Fence;

    beforeEach(async () => {
      harness = current();
      pod = uniqueId('pod');
      fence = await takeAll(harness.leases, pod);
    });
    afterEach(() => harness.leases.release(pod));

    async function group(): Promise<string> {
      const room = newGroup();
      await harness.createRoom(room);
      return room.room;
    }
    /** Two rooms that are not in the same partition. */
    async function twoGroups(): Promise<[string, string]> {
      const first = await group();
      for (;;) {
        const second = await group();
        if (partitionOf(second) !== partitionOf(first)) return [first, second];
      }
    }
    const commit = (rows: CommitRow[], under = fence) => harness.rooms.commit(rows, under);
    const seqs = async (room: string): Promise<number[]> =>
      (await harness.rooms.history(room, { limit: 200 })).messages.map((m) => m.seq);
    const texts = async (room: string): Promise<string[]> =>
      (await harness.rooms.history(room, { limit: 200 })).messages.map((m) => m.text);

    it('of no rows does nothing', async () => {
      expect(await commit([])).toEqual(committed());
    });

    it('writes rows of many rooms and partitions', async () => {
      const rooms = await Promise.all(Array.from({ length: 12 }, group));
      expect(await commit(rooms.flatMap((room) => [1, 2, 3].map((seq) => rowFor(room, seq))))).toEqual(
        committed(),
      );
      for (const room of rooms) expect(await seqs(room)).toEqual([1, 2, 3]);
    });

    it('writes a thousand rows', async () => {
      const rooms = await Promise.all(Array.from({ length: 5 }, group));
      const rows = rooms.flatMap((room) => Array.from({ length: 200 }, (_, i) => rowFor(room, i + 1)));
      expect(await commit(rows)).toEqual(committed());
      expect(await harness.rooms.heads(rooms)).toEqual(new Map(rooms.map((room) => [room, 200])));
    });

    describe('of a pod that has lost its partitions', () => {
      let room: string;
      let row: CommitRow;

      beforeEach(async () => {
        room = await group();
        row = rowFor(room, 1);
      });
      afterEach(async () => {
        expect(await seqs(room)).toEqual([]);
      });

      it('writes nothing when another pod has taken over', async () => {
        await harness.leases.release(pod);
        const other = uniqueId('pod');
        await takeAll(harness.leases, other);
        expect(await commit([row])).toEqual(committed(row.partition));
        await harness.leases.release(other);
      });

      it('writes nothing when it has given them back and nobody has taken them', async () => {
        await harness.leases.release(pod);
        expect(await commit([row])).toEqual(committed(row.partition));
      });

      it('writes nothing under an earlier epoch of its own', async () => {
        await harness.leases.release(pod);
        await takeAll(harness.leases, pod);
        expect(await commit([row])).toEqual(committed(row.partition));
      });

      it('writes nothing under a fence without the partition', async () => {
        expect(await commit([row], fenceOf(pod, []))).toEqual(committed(row.partition));
      });

      it("writes nothing with another pod's epoch", async () => {
        expect(await commit([row], { pod: uniqueId('pod'), epochs: fence.epochs })).toEqual(
          committed(row.partition),
        );
      });

      it('writes nothing with an epoch that is still to come', async () => {
        const epochs = new Map([[row.partition, (fence.epochs.get(row.partition) ?? 0) + 1]]);
        expect(await commit([row], { pod, epochs })).toEqual(committed(row.partition));
      });
    });

    it('writes the rows of the partitions that are still owned, and names the others', async () => {
      const [kept, gone] = await twoGroups();
      const lost = partitionOf(gone);
      await harness.leases.release(pod, [{ partition: lost, epoch: fence.epochs.get(lost) ?? 0 }]);
      expect(await commit([rowFor(gone, 1), rowFor(kept, 1), rowFor(gone, 2), rowFor(kept, 2)])).toEqual(
        committed(lost),
      );
      expect(await seqs(kept)).toEqual([1, 2]);
      expect(await seqs(gone)).toEqual([]);
    });

    it('after a take-over continues from what the former owner has written', async () => {
      const room = await group();
      await commit([rowFor(room, 1), rowFor(room, 2)]);
      await harness.leases.release(pod);
      const other = uniqueId('pod');
      const theirs = await takeAll(harness.leases, other);
      expect((await harness.rooms.load([room])).get(room)?.head).toBe(2);
      expect(await commit([rowFor(room, 3)])).toEqual(committed(partitionOf(room)));
      expect(await commit([rowFor(room, 3, { text: 'theirs' })], theirs)).toEqual(committed());
      expect(await texts(room)).toEqual(['message 1', 'message 2', 'theirs']);
      await harness.leases.release(other);
    });

    describe('with a message that is there already', () => {
      it('by its clientId writes nothing, and gives the first one', async () => {
        const [room, elsewhere] = await twoGroups();
        const first = rowFor(room, 1, { clientId: 'c1', at: '2026-01-01T00:00:00.001Z' });
        await commit([first]);
        const again = rowFor(room, 3, { clientId: 'c1' });
        expect(await commit([rowFor(elsewhere, 1), rowFor(room, 2), again])).toEqual({
          kind: 'duplicates',
          found: [{ room, from: 'alice', clientId: 'c1', id: first.id, seq: 1, at: first.at }],
        });
        expect(await seqs(room)).toEqual([1]);
        expect(await seqs(elsewhere)).toEqual([]);
      });

      it('by its id, where it has no clientId, gives the first one', async () => {
        const room = await group();
        const first = rowFor(room, 1);
        await commit([first]);
        expect(await commit([rowFor(room, 2, { id: first.id })])).toEqual({
          kind: 'duplicates',
          found: [{ room, from: 'alice', clientId: null, id: first.id, seq: 1, at: first.at }],
        });
      });

      it('because the outcome of the same commit was unknown, gives all of it back with its seqs', async () => {
        const room = await group();
        const rows = [rowFor(room, 1, { clientId: 'c1' }), rowFor(room, 2), rowFor(room, 3, { from: 'bob' })];
        await commit(rows);
        const outcome = await commit(rows);
        if (outcome.kind !== 'duplicates') throw new Error(outcome.kind);
        expect(outcome.found.map((d) => [d.seq, d.id]).sort()).toEqual(rows.map((r) => [r.seq, r.id]).sort());
      });

      it('gives all that are there of a batch of which only some are', async () => {
        const room = await group();
        await commit([1, 2, 3].map((n) => rowFor(room, n, { clientId: `c${n}` })));
        const outcome = await commit([4, 5, 6].map((n) => rowFor(room, n, { clientId: `c${n - 2}` })));
        if (outcome.kind !== 'duplicates') throw new Error(outcome.kind);
        expect(outcome.found.map((d) => [d.clientId, d.seq]).sort()).toEqual([
          ['c2', 2],
          ['c3', 3],
        ]);
        // Taken out and numbered again, the rest goes in.
        expect(await commit([rowFor(room, 4, { clientId: 'c4' })])).toEqual(committed());
      });

      it('tells repeats from conflicts, and repeats first', async () => {
        const [room, other] = await twoGroups();
        await commit([rowFor(room, 1, { clientId: 'c1' }), rowFor(other, 1)]);
        const outcome = await commit([rowFor(room, 2, { clientId: 'c1' }), rowFor(other, 1)]);
        expect(outcome).toMatchObject({ kind: 'duplicates', found: [{ room, seq: 1 }] });
      });

      it('does not take the same clientId of another sender or in another room for it', async () => {
        const [room, other] = await twoGroups();
        await commit([rowFor(room, 1, { clientId: 'c1' })]);
        const same = [rowFor(room, 2, { clientId: 'c1', from: 'bob' }), rowFor(other, 1, { clientId: 'c1' })];
        expect(await commit(same)).toEqual(committed());
      });

      it("does not take a clientId that looks like another message's id for it", async () => {
        const room = await group();
        const first = rowFor(room, 1);
        await commit([first]);
        const lookalikes = [first.id, `m:${first.id}`].map((clientId, i) =>
          rowFor(room, i + 2, { clientId }),
        );
        expect(await commit(lookalikes)).toEqual(committed());
      });

      it('tells a pod that has lost the partition only that', async () => {
        const room = await group();
        const rows = [rowFor(room, 1, { clientId: 'c1' })];
        await commit(rows);
        await harness.leases.release(pod);
        expect(await commit(rows)).toEqual(committed(partitionOf(room)));
      });
    });

    it('on a seq that another message has writes nothing, and names the room', async () => {
      const [room, other] = await twoGroups();
      await commit([rowFor(room, 1), rowFor(room, 2)]);
      const outcome = await commit([rowFor(other, 1), rowFor(room, 2, { text: 'late' }), rowFor(room, 3)]);
      expect(outcome).toEqual({ kind: 'conflict', rooms: [room] });
      expect(await texts(room)).toEqual(['message 1', 'message 2']);
      expect(await seqs(other)).toEqual([]);
    });

    it.each<[string, string]>([
      ['nothing', ''],
      ['quotes, braces and commas', `{"a",'b'},\\"c\\",\\\\,{}`],
      ['the word NULL', 'NULL'],
      ['line breaks and tabs', ' \r\n\t\u0001\u007f '],
      ['emoji and combining marks', '👩‍👩‍👧‍👦 e\u0301 \u202eabc\u202c 🏴󠁧󠁢󠁳󠁣󠁴󠁿'],
      ['the longest text', '\u{1f600}'.repeat(4_000)],
      ['what SQL would like', `'; DROP TABLE messages; -- $1 %s`],
    ])('keeps a text of %s as it is', async (_, text) => {
      const room = await group();
      const row = rowFor(room, 1, { text, clientId: text.slice(0, 60) || null, id: messageId() });
      await commit([row, rowFor(room, 2)]);
      const { messages } = await harness.rooms.history(room, { limit: 1, after: 0 });
      expect(messages).toEqual([{ room, seq: 1, id: row.id, from: 'alice', text, at: row.at }]);
      expect(await commit([{ ...row, seq: 3 }])).toMatchObject({
        kind: 'duplicates',
        found: [{ clientId: row.clientId, seq: 1 }],
      });
    });

    it('keeps data as it is, whatever JSON it holds', async () => {
      const data = JSON.parse(
        '{"z":1,"a":{"b":[1.5e10,-0.1,true,null,"\\u0000","\\ud800","{\\"x\\":[]}",""]},"__proto__":{"x":1},"é😀":{}}',
      ) as JsonObject;
      const room = await group();
      await commit([rowFor(room, 1, { data }), rowFor(room, 2, { data: {} }), rowFor(room, 3)]);
      const { messages } = await harness.rooms.history(room, { limit: 3 });
      expect(messages.map((m) => JSON.stringify(m.data))).toEqual([JSON.stringify(data), '{}', undefined]);
      expect(messages[2]).not.toHaveProperty('data');
    });

    it.each([
      ['NUL', 'a\u0000b'],
      ['a lone surrogate', 'a\ud800b'],
    ])('never changes a text with %s: keeps it, or refuses all of it as a bad request', async (_, text) => {
      const room = await group();
      const outcome = await commit([rowFor(room, 1), rowFor(room, 2, { text })]).catch((e: unknown) => e);
      if (outcome instanceof TroupeError) {
        expect(outcome.code).toBe('bad_request');
        expect(await texts(room)).toEqual([]);
      } else {
        expect(outcome).toEqual(committed());
        expect(await texts(room)).toEqual(['message 1', text]);
      }
    });
  });
}
