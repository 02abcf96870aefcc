import type { PresenceRecord, PresenceStore, SessionChange } from '@troupe/ports';

/** One shared state of presence, seen through as many stores as a test wants pods. */
export interface PresenceHarness {
  open(): Promise<PresenceStore>;
  /** Lets this much of the store's time pass, in ms. */
  pass(ms: number): Promise<void>;
  /** Closes what was opened. */
  close(): Promise<void>;
}

const LEASE = { leaseMs: 400 };
/** A store that runs on real time is given this long, in ms, for what takes at most three leases. */
const DEADLINE_MS = 20_000;

const opened = (user: string, session: string): SessionChange => ({ user, session, change: 'opened' });
const closed = (user: string, session: string): SessionChange => ({ user, session, change: 'closed' });
/** "alice online" and the like, sorted: the order of users within one step is the adapter's. */
const told = (records: readonly PresenceRecord[]): string[] =>
  records.map((r) => `${r.user} ${r.status}`).sort();
const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** What every {@link PresenceStore} does. `start` gives an empty state that no other test sees. */
export function presenceStoreContract(name: string, start: () => Promise<PresenceHarness>): void {
  describe(`presence store: ${name}`, () => {
    let harness: PresenceHarness;
    let store: PresenceStore;

    beforeEach(async () => {
      harness = await start();
      store = await harness.open();
    });
    afterEach(() => harness.close());

    const apply = (gateway: string, seq: number, ...changes: SessionChange[]) =>
      store.apply(gateway, changes, { ...LEASE, seq });
    const restore = (
      gateway: string,
      seq: number,
      sessions: [string, string][],
      [part, parts] = [0, 1] as [number, number],
    ) => store.restore(gateway, sessions, { ...LEASE, seq, part, parts });
    const sessionsOf = async (...users: string[]) => (await store.query(users)).map((r) => r.sessions);

    /** Sweeps as the service does, keeping `alive` gateways renewed, until `enough`; gives what was told, in order. */
    async function sweepUntil(
      enough: (told: readonly string[]) => boolean,
      alive: { gateways?: [gateway: string, seq: number][]; sweepers?: PresenceStore[] } = {},
    ): Promise<string[]> {
      const seen: string[] = [];
      const endMs = performance.now() + DEADLINE_MS;
      while (!enough(seen)) {
        if (performance.now() > endMs) throw new Error(`still only ${JSON.stringify(seen)}`);
        await harness.pass(LEASE.leaseMs / 10);
        for (const [gateway, seq] of alive.gateways ?? []) await store.renew(gateway, { ...LEASE, seq });
        const pieces = await Promise.all((alive.sweepers ?? [store]).map((s) => s.expire(LEASE)));
        seen.push(...told(pieces.flat()));
      }
      return seen;
    }

    describe('sessions', () => {
      it('make a user online with the first and offline with the last', async () => {
        expect(told(await apply('g1', 1, opened('alice', 'a1')))).toEqual(['alice online']);
        expect(told(await apply('g1', 2, opened('alice', 'a2')))).toEqual([]);
        expect(told(await apply('g1', 3, closed('alice', 'a1')))).toEqual([]);
        expect(told(await apply('g1', 4, closed('alice', 'a2')))).toEqual(['alice offline']);
      });

      it('of one user on two gateways are counted together', async () => {
        await apply('g1', 1, opened('alice', 'a1'));
        expect(told(await apply('g2', 1, opened('alice', 'a1')))).toEqual([]);
        expect(await sessionsOf('alice')).toEqual([2]);
        expect(told(await apply('g1', 2, closed('alice', 'a1')))).toEqual([]);
        expect(told(await apply('g2', 2, closed('alice', 'a1')))).toEqual(['alice offline']);
      });

      it('that open and close within one batch change no status', async () => {
        expect(told(await apply('g1', 1, opened('alice', 'a1'), closed('alice', 'a1')))).toEqual([]);
        await apply('g1', 2, opened('alice', 'a2'));
        expect(told(await apply('g1', 3, closed('alice', 'a2'), opened('alice', 'a3')))).toEqual([]);
        expect(await sessionsOf('alice')).toEqual([1]);
      });

      it('of many users change in one batch', async () => {
        const users = Array.from({ length: 1_000 }, (_, i) => `user-${i}`);
        expect(await apply('g1', 1, ...users.map((u) => opened(u, `s-${u}`)))).toHaveLength(1_000);
        expect(await store.onlineUsers()).toBe(1_000);
        expect(await apply('g1', 2, ...users.map((u) => closed(u, `s-${u}`)))).toHaveLength(1_000);
        expect(await store.onlineUsers()).toBe(0);
      });
    });

    describe('batches', () => {
      it('that arrive twice change nothing the second time', async () => {
        await apply('g1', 1, opened('alice', 'a1'));
        expect(await apply('g1', 1, opened('alice', 'a1'))).toEqual([]);
        await apply('g1', 3, closed('alice', 'a1'));
        expect(await apply('g1', 3, closed('alice', 'a1'))).toEqual([]);
        expect(await sessionsOf('alice')).toEqual([0]);
      });

      it('make no ghost when the one that opened comes after the one that closed', async () => {
        expect(await apply('g1', 2, closed('alice', 'a1'))).toEqual([]);
        expect(await apply('g1', 1, opened('alice', 'a1'))).toEqual([]);
        expect(await sessionsOf('alice')).toEqual([0]);
        expect(await store.onlineUsers()).toBe(0);
      });

      it('in every order come to the same sessions', async () => {
        const batches: [number, SessionChange[]][] = [
          [1, [opened('alice', 'a1'), opened('bob', 'b1')]],
          [2, [closed('alice', 'a1'), opened('alice', 'a2')]],
          [3, [closed('bob', 'b1')]],
          [4, [closed('alice', 'a2'), opened('carol', 'c1'), opened('alice', 'a3')]],
        ];
        for (const [i, order] of permutations(batches).entries()) {
          const gateway = `g-${i}`;
          const changes = [];
          for (const [seq, batch] of order) changes.push(...told(await apply(gateway, seq, ...batch)));
          const name = order.map(([seq]) => seq).join();
          expect([name, await sessionsOf('alice', 'bob', 'carol')]).toEqual([name, [1, 0, 1]]);
          expect([name, await store.renew(gateway, { ...LEASE, seq: 4 })]).toEqual([name, true]);
          // Whatever was told on the way, each user's changes alternate.
          for (const user of ['alice', 'bob', 'carol']) {
            const own = changes.filter((c) => c.startsWith(`${user} `));
            expect(own).toEqual(own.map((_, n) => `${user} ${n % 2 === 0 ? 'online' : 'offline'}`));
          }
          await apply(gateway, 5, closed('alice', 'a3'), closed('carol', 'c1'));
        }
      });

      it('are told once when two pods get the same ones', async () => {
        const other = await harness.open();
        const batch = Array.from({ length: 20 }, (_, i) => opened(`user-${i}`, `s-${i}`));
        const pieces = await Promise.all(
          [store, other, store, other].map((s) => s.apply('g1', batch, { ...LEASE, seq: 1 })),
        );
        expect(pieces.flat()).toHaveLength(20);
        expect(new Set(told(pieces.flat())).size).toBe(20);
      });

      it('far above a missing one are not kept without bound, and a restore makes them good', async () => {
        for (let seq = 2; seq <= 400; seq++) await apply('g1', seq, opened(`user-${seq}`, `s-${seq}`));
        expect(await store.onlineUsers()).toBeLessThan(399);
        const all = Array.from(
          { length: 399 },
          (_, i) => [`user-${i + 2}`, `s-${i + 2}`] as [string, string],
        );
        await restore('g1', 400, all);
        expect(await store.onlineUsers()).toBe(399);
        expect(await store.renew('g1', { ...LEASE, seq: 400 })).toBe(true);
      });
    });

    describe('renewing', () => {
      it('is enough for a gateway that has sent nothing yet', async () => {
        expect(await store.renew('g1', { ...LEASE, seq: 0 })).toBe(true);
        expect(await store.renew('g1', { ...LEASE, seq: 0 })).toBe(true);
      });

      it('asks an unknown gateway for its sessions at once', async () => {
        expect(await store.renew('g1', { ...LEASE, seq: 7 })).toBe(false);
        await apply('g2', 7, opened('alice', 'a1'));
        expect(await store.renew('g2', { ...LEASE, seq: 7 })).toBe(false);
      });

      it('takes a missing batch for late first and for lost the second time', async () => {
        await apply('g1', 1, opened('alice', 'a1'));
        await apply('g1', 3, opened('bob', 'b1'));
        expect(await store.renew('g1', { ...LEASE, seq: 3 })).toBe(true);
        expect(await store.renew('g1', { ...LEASE, seq: 3 })).toBe(false);
        await apply('g1', 2, opened('carol', 'c1'));
        expect(await store.renew('g1', { ...LEASE, seq: 3 })).toBe(true);
      });

      it('finds a lost last batch', async () => {
        await apply('g1', 1, opened('alice', 'a1'));
        expect(await store.renew('g1', { ...LEASE, seq: 2 })).toBe(true);
        expect(await store.renew('g1', { ...LEASE, seq: 2 })).toBe(false);
      });
    });

    describe('restoring', () => {
      it('opens what is in it and closes what is not', async () => {
        await apply('g1', 1, opened('alice', 'a1'), opened('bob', 'b1'));
        // Batch 2 closed a1 and opened c1, and was lost.
        expect(
          told(
            await restore('g1', 2, [
              ['bob', 'b1'],
              ['carol', 'c1'],
            ]),
          ),
        ).toEqual(['alice offline', 'carol online']);
        expect(await store.renew('g1', { ...LEASE, seq: 2 })).toBe(true);
      });

      it('to nothing closes everything', async () => {
        await apply('g1', 1, opened('alice', 'a1'));
        expect(told(await restore('g1', 2, []))).toEqual(['alice offline']);
      });

      it('closes nothing before all parts are in, which may come in any order and twice', async () => {
        await apply('g1', 1, opened('alice', 'a1'), opened('bob', 'b1'), opened('dave', 'd1'));
        expect(told(await restore('g1', 5, [['carol', 'c1']], [2, 3]))).toEqual(['carol online']);
        expect(await restore('g1', 5, [['carol', 'c1']], [2, 3])).toEqual([]);
        expect(await restore('g1', 5, [['alice', 'a1']], [0, 3])).toEqual([]);
        expect(await sessionsOf('alice', 'bob', 'carol', 'dave')).toEqual([1, 1, 1, 1]);
        expect(told(await restore('g1', 5, [['bob', 'b1']], [1, 3]))).toEqual(['dave offline']);
        expect(await restore('g1', 5, [['carol', 'c1']], [2, 3])).toEqual([]);
      });

      it('is asked for again while a part is missing', async () => {
        await restore('g1', 5, [['alice', 'a1']], [0, 2]);
        expect(await store.renew('g1', { ...LEASE, seq: 5 })).toBe(true);
        expect(await store.renew('g1', { ...LEASE, seq: 5 })).toBe(false);
        expect(told(await restore('g1', 6, [['bob', 'b1']]))).toEqual(['alice offline', 'bob online']);
        expect(await store.renew('g1', { ...LEASE, seq: 6 })).toBe(true);
      });

      it('makes older batches and older restores void', async () => {
        await restore('g1', 5, [['alice', 'a1']], [0, 2]);
        expect(await apply('g1', 4, opened('ghost', 'x1'))).toEqual([]);
        await restore('g1', 5, [], [1, 2]);
        expect(await apply('g1', 5, opened('ghost', 'x2'))).toEqual([]);
        expect(await restore('g1', 3, [['ghost', 'x3']])).toEqual([]);
        expect(await sessionsOf('ghost', 'alice')).toEqual([0, 1]);
      });

      it('keeps what newer batches said, whichever came first', async () => {
        await apply('g1', 6, opened('dave', 'd1'), closed('alice', 'a1'));
        expect(told(await restore('g1', 5, [['bob', 'b1']], [0, 2]))).toEqual(['bob online']);
        expect(told(await apply('g1', 7, closed('carol', 'c1'), opened('erin', 'e1')))).toEqual([
          'erin online',
        ]);
        expect(
          await restore(
            'g1',
            5,
            [
              ['alice', 'a1'],
              ['carol', 'c1'],
            ],
            [1, 2],
          ),
        ).toEqual([]);
        expect(await sessionsOf('alice', 'bob', 'carol', 'dave', 'erin')).toEqual([0, 1, 0, 1, 1]);
        expect(await store.renew('g1', { ...LEASE, seq: 7 })).toBe(true);
      });
    });

    describe('a gateway whose lease is over', () => {
      it('takes its users offline, each told once to one of two sweepers', async () => {
        const other = await harness.open();
        await apply('dead', 1, opened('alice', 'a1'), opened('bob', 'b1'), opened('bob', 'b2'));
        await apply('live', 1, opened('bob', 'b3'), opened('carol', 'c1'));
        const all = { gateways: [['live', 1]] as [string, number][], sweepers: [store, other] };
        expect(await sweepUntil((seen) => seen.length > 0, all)).toEqual(['alice offline']);
        expect(await store.expire(LEASE)).toEqual([]);
        expect(await sessionsOf('alice', 'bob', 'carol')).toEqual([0, 1, 1]);
      });

      it('has its users last seen at its last renewal', async () => {
        await apply('dead', 1, opened('alice', 'a1'));
        await harness.pass(20);
        await store.renew('dead', { ...LEASE, seq: 1 });
        const renewedAt = (await store.query(['alice']))[0]?.lastSeen;
        await sweepUntil((seen) => seen.includes('alice offline'));
        const [alice] = await store.query(['alice']);
        const lateMs = Date.parse(String(renewedAt)) - Date.parse(String(alice?.lastSeen));
        // The question came after the renewal; on a busy machine some time after.
        expect(lateMs).toBeGreaterThanOrEqual(0);
        expect(lateMs).toBeLessThan(LEASE.leaseMs);
      });

      it('is unknown afterwards, and comes back by restoring', async () => {
        await apply('g1', 1, opened('alice', 'a1'));
        await sweepUntil((seen) => seen.includes('alice offline'));
        expect(await store.renew('g1', { ...LEASE, seq: 1 })).toBe(false);
        expect(told(await restore('g1', 1, [['alice', 'a1']]))).toEqual(['alice online']);
        expect(await store.renew('g1', { ...LEASE, seq: 1 })).toBe(true);
      });

      it('ends with all of its sessions, however many', async () => {
        const batch = Array.from({ length: 700 }, (_, i) => opened(`user-${i}`, `s-${i}`));
        await apply('dead', 1, ...batch.slice(0, 350));
        await apply('dead', 2, ...batch.slice(350));
        await apply('live', 1, opened('user-0', 'o1'), opened('user-699', 'o2'));
        const alive = { gateways: [['live', 1]] as [string, number][] };
        const seen = await sweepUntil((s) => s.length >= 698, alive);
        expect(new Set(seen).size).toBe(698);
        expect(await store.expire(LEASE)).toEqual([]);
        expect(await store.onlineUsers()).toBe(2);
      });

      it('gets one lease time more when nobody has swept for a while', async () => {
        await store.expire(LEASE);
        await apply('g1', 1, opened('alice', 'a1'));
        await harness.pass(LEASE.leaseMs * 2);
        expect(await store.expire(LEASE)).toEqual([]);
        expect(await store.renew('g1', { ...LEASE, seq: 1 })).toBe(true);
        expect(await sessionsOf('alice')).toEqual([1]);
        expect(await sweepUntil((seen) => seen.length > 0)).toEqual(['alice offline']);
      });

      it('gets one lease time more when nobody has ever swept', async () => {
        await apply('g1', 1, opened('alice', 'a1'));
        await harness.pass(LEASE.leaseMs * 2);
        expect(await store.expire(LEASE)).toEqual([]);
        expect(await sweepUntil((seen) => seen.length > 0)).toEqual(['alice offline']);
      });
    });

    describe('asking', () => {
      it('gives one record per user, in order, also for the unknown and the repeated', async () => {
        await apply('g1', 1, opened('alice', 'a1'), opened('alice', 'a2'), opened('bob', 'b1'));
        await apply('g1', 2, closed('bob', 'b1'));
        const [nobody, bob, alice, again] = await store.query(['nobody', 'bob', 'alice', 'alice']);
        expect(nobody).toEqual({ user: 'nobody', status: 'offline', lastSeen: null, sessions: 0 });
        expect(bob).toEqual({
          user: 'bob',
          status: 'offline',
          lastSeen: expect.stringMatching(RFC3339),
          sessions: 0,
        });
        expect(alice).toEqual({
          user: 'alice',
          status: 'online',
          lastSeen: expect.stringMatching(RFC3339),
          sessions: 2,
        });
        expect(again).toEqual(alice);
        expect(await store.query([])).toEqual([]);
      });

      it('keeps ids apart that are names of an object', async () => {
        await apply('constructor', 1, opened('__proto__', 'toString'));
        expect(await sessionsOf('__proto__', 'constructor', 'hasOwnProperty')).toEqual([1, 0, 0]);
      });

      it('shows when an offline user was last seen', async () => {
        await apply('g1', 1, opened('alice', 'a1'));
        await harness.pass(5);
        const [gone] = await apply('g1', 2, closed('alice', 'a1'));
        await harness.pass(5);
        expect(await store.query(['alice'])).toEqual([gone]);
      });
    });
  });
}

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((item, i) =>
    permutations([...items.slice(0, i), ...items.slice(i + 1)]).map((rest) => [item, ...rest]),
  );
}
