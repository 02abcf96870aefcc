import { partitionOf, subjects } from '@troupe/protocol';
import { HostHarness, LEASE_TTL_MS, ROOM_IDLE_MS } from './host.harness';

/*
 * The real host, leases, group commit and rooms; the bus, the database and time are in memory.
 *
 *   RoomLink → bus → RoomHost → Room → Committer → MemoryRoomStore
 */

const unavailable = { code: 'unavailable' };
const PARTITION = partitionOf('lobby');

describe('a room host', () => {
  let harness: HostHarness;
  beforeEach(() => {
    harness = new HostHarness();
    harness.room('lobby');
  });
  afterEach(() => expect(harness.errors).toEqual([]));

  const count = (operation: string): number => harness.operations.filter((o) => o === operation).length;

  describe('group commit', () => {
    it('writes all that came in one turn in one statement, of many rooms together', async () => {
      harness.room('kitchen');
      await harness.owner();
      const edge = harness.edge();
      edge.publish('lobby', 'wake');
      edge.publish('kitchen', 'wake');
      await harness.clock.run(50);
      const before = count('commit');
      const answers = Array.from({ length: 40 }, (_, i) =>
        edge.publish(i % 2 ? 'lobby' : 'kitchen', `m${i}`),
      );
      await harness.clock.run(50);
      // The two rooms are in two partitions, so in two turns of the bus; the second waits for the first to commit.
      expect(count('commit') - before).toBeLessThanOrEqual(2);
      expect(answers.flat()).toHaveLength(40);
      expect(harness.stored('lobby')).toHaveLength(21);
      expect(harness.stored('kitchen')).toHaveLength(21);
    });

    it('acks a message when it is stored, and not before', async () => {
      const pod = await harness.owner();
      const edge = harness.edge();
      edge.publish('lobby', 'wake');
      await harness.clock.run(50);
      let storedWhenAcked = '';
      edge.link.publish({ room: 'lobby', from: 'alice', id: harness.uuid(), text: 'hello' }, () => {
        storedWhenAcked = harness.stored('lobby').at(-1) ?? '';
      });
      await harness.clock.run(50);
      expect(storedWhenAcked).toBe('2 hello');
      expect(pod.counts.committed).toBe(2);
    });

    it('costs one bus message for each edge and one public event, whatever the number of members', async () => {
      await harness.owner();
      const edges = ['edge-a', 'edge-b', 'edge-c'].map((name) => harness.edge(name));
      for (const [i, edge] of edges.entries()) {
        edge.attach(
          'lobby',
          0,
          Array.from({ length: 10 ** i }, (_, no): [number, string] => [no + 1, `user-${no}`]),
        );
      }
      edges[0]?.publish('lobby', 'wake');
      await harness.clock.run(50);
      harness.traffic.length = 0;
      edges[0]?.publish('lobby', 'hello');
      await harness.clock.run(50);
      const streams = harness.traffic.filter((subject) => subject.startsWith('troupe.i1.gateway.'));
      expect(streams.sort()).toEqual(edges.map(({ name }) => subjects.gateway(name)));
      expect(harness.traffic.filter((subject) => subject === subjects.roomEvents('lobby'))).toHaveLength(1);
      expect(edges.map((edge) => edge.seqs('lobby'))).toEqual([
        [1, 2],
        [1, 2],
        [1, 2],
      ]);
    });

    it('takes a message back into the order when one before it was there already', async () => {
      await harness.owner();
      const edge = harness.edge();
      edge.publish('lobby', 'first', { clientId: 'once' });
      await harness.clock.run(50);
      // Another owner remembers nothing of it.
      await handOver();
      const answers = [
        edge.publish('lobby', 'second'),
        edge.publish('lobby', 'first', { clientId: 'once' }),
        edge.publish('lobby', 'third'),
      ];
      await harness.clock.run(2_000);
      expect(answers.map(([a]) => a)).toMatchObject([
        { seq: 2, duplicate: false },
        { seq: 1, duplicate: true },
        { seq: 3, duplicate: false },
      ]);
      expect(harness.stored('lobby')).toEqual(['1 first', '2 second', '3 third']);
    });

    async function handOver(): Promise<void> {
      const next = harness.pod('pod-b');
      await harness.clock.run(3_000);
      expect(next.host.leases.owned).toBe(128);
    }
  });

  describe('repeats', () => {
    it('are answered with the first ack while the room remembers them, and after it has slept', async () => {
      await harness.owner();
      const edge = harness.edge();
      const first = edge.publish('lobby', 'hello', { clientId: 'once' });
      await harness.clock.run(50);
      const again = edge.publish('lobby', 'hello', { clientId: 'once' });
      await harness.clock.run(50);
      await harness.clock.run(ROOM_IDLE_MS + 2_000);
      const muchLater = edge.publish('lobby', 'hello', { clientId: 'once' });
      await harness.clock.run(50);
      const [ack] = first;
      expect(ack).toMatchObject({ seq: 1, duplicate: false });
      for (const [repeat] of [again, muchLater]) {
        expect(repeat).toMatchObject({ ...ack, ref: expect.any(Number) as number, duplicate: true });
      }
      expect(harness.stored('lobby')).toEqual(['1 hello']);
      expect(edge.publish('lobby', 'next')).toEqual([]);
      await harness.clock.run(50);
      expect(harness.stored('lobby')).toEqual(['1 hello', '2 next']);
    });

    it('that come while the first is being stored get its answer', async () => {
      await harness.owner();
      const edge = harness.edge();
      const [one, two] = [
        edge.publish('lobby', 'hello', { clientId: 'once' }),
        edge.publish('lobby', 'hello', { clientId: 'once' }),
      ];
      await harness.clock.run(50);
      expect([one[0], two[0]]).toMatchObject([
        { seq: 1, duplicate: false },
        { seq: 1, duplicate: true },
      ]);
    });
  });

  describe('a store that fails', () => {
    it('before the effect: the sender is told, and may send the same again', async () => {
      await harness.owner();
      const edge = harness.edge();
      edge.attach('lobby', 0);
      harness.failNext('commit', 'fail-before');
      const first = edge.publish('lobby', 'hello', { clientId: 'once' });
      await harness.clock.run(100);
      expect(first).toMatchObject([unavailable]);
      const second = edge.publish('lobby', 'hello', { clientId: 'once' });
      await harness.clock.run(100);
      expect(second).toMatchObject([{ seq: 1, duplicate: false }]);
      expect(edge.seqs('lobby')).toEqual([1]);
    });

    it('after the effect: readers get the message once, and the sender the first seq when it tries again', async () => {
      await harness.owner();
      const edge = harness.edge();
      edge.attach('lobby', 0);
      harness.failNext('commit', 'fail-after');
      const first = edge.publish('lobby', 'hello', { clientId: 'once' });
      await harness.clock.run(100);
      expect(first).toMatchObject([unavailable]);
      expect(edge.seqs('lobby')).toEqual([1]);
      const second = edge.publish('lobby', 'hello', { clientId: 'once' });
      const third = edge.publish('lobby', 'next');
      await harness.clock.run(100);
      expect([second, third]).toMatchObject([[{ seq: 1, duplicate: true }], [{ seq: 2 }]]);
      expect(edge.seqs('lobby')).toEqual([1, 2]);
      expect(harness.stored('lobby')).toEqual(['1 hello', '2 next']);
    });

    it('while it loads: those who wait are told, and the room comes back by itself', async () => {
      await harness.owner();
      const edge = harness.edge();
      harness.failNext('load', 'fail-before');
      const refused = edge.publish('lobby', 'hello');
      await harness.clock.run(100);
      expect(refused).toMatchObject([unavailable]);
      const stored = edge.publish('lobby', 'hello');
      await harness.clock.run(100);
      expect(stored).toMatchObject([{ seq: 1 }]);
    });

    it('while it is in doubt for long: readers get what was stored as soon as it can be asked', async () => {
      await harness.owner();
      const edge = harness.edge();
      edge.attach('lobby', 0);
      harness.failNext('commit', 'fail-after');
      harness.failNext('load', 'none');
      harness.failNext('load', 'fail-before', 3);
      edge.publish('lobby', 'hello');
      await harness.clock.run(2_500);
      expect(edge.seqs('lobby')).toEqual([]);
      await harness.clock.run(3_000);
      expect(edge.seqs('lobby')).toEqual([1]);
    });

    it('with a seq that is taken: nothing is overwritten, and the room reads where it is', async () => {
      await harness.owner();
      const edge = harness.edge();
      edge.attach('lobby', 0);
      edge.publish('lobby', 'one');
      await harness.clock.run(100);
      const stranger = {
        room: 'lobby',
        partition: PARTITION,
        seq: 2,
        id: harness.uuid(),
        from: 'bob',
        clientId: null,
      };
      harness.database.log('lobby').add({ ...stranger, text: 'stranger', data: null, at: '', epoch: 1 });
      const conflict = edge.publish('lobby', 'two');
      await harness.clock.run(100);
      expect(conflict).toMatchObject([unavailable]);
      expect(edge.messages.map((m) => m.text)).toEqual(['one', 'stranger']);
      const again = edge.publish('lobby', 'two');
      await harness.clock.run(100);
      expect(again).toMatchObject([{ seq: 3 }]);
    });

    it('of one room fails nobody else’s', async () => {
      harness.room('kitchen');
      await harness.owner();
      const edge = harness.edge();
      edge.publish('lobby', 'one');
      edge.publish('kitchen', 'one');
      await harness.clock.run(100);
      const stranger = {
        room: 'lobby',
        partition: PARTITION,
        seq: 2,
        id: harness.uuid(),
        from: 'bob',
        clientId: null,
      };
      harness.database.log('lobby').add({ ...stranger, text: 'stranger', data: null, at: '', epoch: 1 });
      const [conflict, fine] = [edge.publish('lobby', 'two'), edge.publish('kitchen', 'two')];
      await harness.clock.run(100);
      expect([conflict, fine]).toMatchObject([[unavailable], [{ seq: 2 }]]);
    });

    it('on a member change: the room asks what became of it before it believes anything', async () => {
      await harness.owner();
      const edge = harness.edge();
      harness.failNext('putMember', 'fail-after');
      const joined = edge.member({ room: 'lobby', user: 'carol', by: 'carol', change: 'join' });
      await harness.clock.run(100);
      expect(joined).toMatchObject([unavailable]);
      const posted = edge.publish('lobby', 'I am in', { from: 'carol' });
      await harness.clock.run(100);
      expect(posted).toMatchObject([{ seq: 1 }]);
    });
  });

  describe('taking over', () => {
    it('leaves a killed pod’s rooms without an owner for one lease time at most', async () => {
      const first = await harness.owner();
      const second = harness.pod('pod-b');
      await harness.clock.run(3_000);
      expect([first.host.leases.owned, second.host.leases.owned]).toEqual([128, 128]);
      first.kill();
      await harness.clock.run(LEASE_TTL_MS + 600);
      expect(second.host.leases.owned).toBe(256);
    });

    it('refuses the writes of a pod that was frozen past its lease, and nothing of them is lost', async () => {
      const frozen = await harness.owner();
      const edge = harness.edge();
      edge.attach('lobby', 0);
      edge.publish('lobby', 'one');
      await harness.clock.run(100);
      frozen.clock.pause();
      const during = edge.publish('lobby', 'two');
      const next = harness.pod('pod-b');
      await harness.clock.run(LEASE_TTL_MS + 1_500);
      expect(during).toMatchObject([{ seq: 2 }]);
      // It wakes to the commands that had come for it, before any of its timers.
      frozen.clock.resume('arrivals first');
      const after = edge.publish('lobby', 'three');
      await harness.clock.run(500);
      expect(after).toMatchObject([{ seq: 3 }]);
      expect(harness.stored('lobby')).toEqual(['1 one', '2 two', '3 three']);
      expect(edge.seqs('lobby')).toEqual([1, 2, 3]);
      expect(new Set(harness.database.log('lobby').rows.map((row) => row.epoch))).toEqual(new Set([1, 2]));
      expect(frozen.host.leases.owned + next.host.leases.owned).toBe(256);
    });

    it('steps down at the first write that the store refuses, in the middle of a batch', async () => {
      harness.room('kitchen');
      const pod = await harness.owner();
      const edge = harness.edge();
      edge.publish('lobby', 'one');
      edge.publish('kitchen', 'one');
      await harness.clock.run(50);
      // Somebody else has the lobby's partition now; nobody has said so.
      const row = harness.database.partitions[PARTITION];
      if (row)
        Object.entries({ owner: 'pod-z', epoch: row.epoch + 1 }).forEach(([k, v]) => Reflect.set(row, k, v));
      const [lost, kept] = [edge.publish('lobby', 'two'), edge.publish('kitchen', 'two')];
      await harness.clock.run(50);
      expect(kept).toMatchObject([{ seq: 2 }]);
      expect(lost).toEqual([]);
      expect(harness.stored('lobby')).toEqual(['1 one']);
      expect(pod.counts.fenced).toBe(1);
      expect(pod.host.leases.owned).toBe(255);
      // Nobody renews the other's lease; when it is over, the message gets its place under the next epoch.
      await harness.clock.run(LEASE_TTL_MS + 1_000);
      expect(lost).toMatchObject([{ seq: 2 }]);
      expect(harness.stored('lobby')).toEqual(['1 one', '2 two']);
    });

    it('gives up everything by its own clock when the store cannot be asked', async () => {
      const pod = await harness.owner();
      harness.failNext('renew', 'fail-before', 100);
      harness.failNext('census', 'fail-before', 100);
      await harness.clock.run(LEASE_TTL_MS - 1_100);
      expect(pod.host.leases.owned).toBe(256);
      await harness.clock.run(1_500);
      expect(pod.host.leases.owned).toBe(0);
    });

    it('serves again under a new epoch, so that edges attach again, when it was cut off from the bus', async () => {
      const pod = await harness.owner();
      const edge = harness.edge();
      edge.publish('lobby', 'one');
      await harness.clock.run(50);
      pod.bus.cut();
      await harness.clock.run(50);
      expect(pod.host.leases.owned).toBe(0);
      pod.bus.heal();
      await harness.clock.run(1_500);
      expect(pod.host.leases.owned).toBe(256);
      expect(harness.database.partitions[PARTITION]?.epoch).toBe(2);
      const answer = edge.publish('lobby', 'two');
      await harness.clock.run(1_500);
      expect(answer).toMatchObject([{ seq: 2 }]);
    });

    it('spreads partitions evenly when a pod comes, and again when one goes', async () => {
      const pods = [await harness.owner('pod-a'), harness.pod('pod-b'), harness.pod('pod-c')];
      await harness.clock.run(5_000);
      const owned = (): number[] => pods.map((pod) => pod.host.leases.owned).sort((a, b) => a - b);
      expect(owned()).toEqual([84, 86, 86]);
      await pods[0]?.stop();
      await harness.clock.run(3_000);
      expect(owned()).toEqual([0, 128, 128]);
    });
  });

  describe('handing over', () => {
    it('finishes what is in flight and gives the rooms away at once', async () => {
      const first = await harness.owner();
      const second = harness.pod('pod-b');
      await harness.clock.run(3_000);
      const edge = harness.edge();
      await harness.clock.run(1_500);
      edge.attach('lobby', 0);
      edge.publish('lobby', 'one');
      await harness.clock.run(50);
      const owner = harness.database.partitions[PARTITION]?.owner === 'pod-a' ? first : second;
      const answer = edge.publish('lobby', 'two');
      const startMs = harness.clock.nowMs();
      await owner.stop();
      const next = edge.publish('lobby', 'three');
      while (next.length === 0 && harness.clock.nowMs() - startMs < 5_000) await harness.clock.run(10);
      expect(harness.clock.nowMs() - startMs).toBeLessThan(1_000);
      expect([answer, next]).toMatchObject([[{ seq: 2 }], [{ seq: 3 }]]);
      expect(harness.stored('lobby')).toEqual(['1 one', '2 two', '3 three']);
    });

    it('tells edges again who owns what, in case they have not heard', async () => {
      await harness.owner();
      await harness.clock.run(2_000);
      const late = harness.edge();
      const answer = late.publish('lobby', 'hello');
      await harness.clock.run(50);
      expect(answer).toMatchObject([{ seq: 1 }]);
      harness.traffic.length = 0;
      await harness.clock.run(3_000);
      expect(harness.traffic.filter((s) => s === subjects.ownership).length).toBeGreaterThanOrEqual(2);
    });
  });

  describe('rooms that are not durable', () => {
    beforeEach(() => harness.room('ticker', { durable: false }));
    const service = { from: 'feed', service: true as const };

    it('ask the store once for many messages', async () => {
      await harness.owner();
      const edge = harness.edge();
      for (let i = 1; i <= 25; i++) {
        edge.publish('ticker', `t${i}`, service);
        await harness.clock.run(20);
      }
      expect(count('reserve')).toBe(3);
      expect(count('commit')).toBe(0);
      expect(harness.stored('ticker')).toEqual([]);
    });

    it('jump after an owner has died, announce it, and never use a seq again', async () => {
      const first = await harness.owner();
      const edge = harness.edge();
      edge.attach('ticker', 0);
      for (const text of ['t1', 't2', 't3']) edge.publish('ticker', text, service);
      await harness.clock.run(50);
      expect(edge.seqs('ticker')).toEqual([1, 2, 3]);
      first.kill();
      harness.pod('pod-b');
      await harness.clock.run(LEASE_TTL_MS + 1_000);
      const answer = edge.publish('ticker', 't4', service);
      await harness.clock.run(1_500);
      expect(edge.controlsOf('gap')).toMatchObject([
        { room: 'ticker', from: 4, to: 10, reason: 'resume_limit' },
      ]);
      expect(answer).toMatchObject([{ seq: 11 }]);
      expect(edge.seqs('ticker')).toEqual([1, 2, 3, 11]);
    });

    it('give a frozen owner only the seqs that it was promised, whatever the store says meanwhile', async () => {
      const frozen = await harness.owner();
      const edge = harness.edge();
      edge.publish('ticker', 't1', service);
      await harness.clock.run(50);
      frozen.clock.pause();
      harness.pod('pod-b');
      await harness.clock.run(LEASE_TTL_MS + 1_000);
      const seqs: number[] = [];
      for (let i = 0; i < 15; i++) {
        const answer = edge.publish('ticker', `later ${i}`, service);
        await harness.clock.run(20);
        for (const ack of answer) if ('seq' in ack) seqs.push(ack.seq);
      }
      expect(seqs[0]).toBe(11);
      expect(new Set([1, ...seqs]).size).toBe(16);
      expect(harness.errors).toEqual([]);
    });
  });

  describe('quiet rooms', () => {
    it('are put to sleep, keep their readers, and wake at the next message', async () => {
      const pod = await harness.owner();
      const edge = harness.edge();
      edge.attach('lobby', 0);
      edge.publish('lobby', 'one');
      await harness.clock.run(50);
      expect(pod.host.roomsAwake).toBe(1);
      await harness.clock.run(ROOM_IDLE_MS + 2_000);
      expect(pod.host.roomsAwake).toBe(0);
      edge.publish('lobby', 'two');
      await harness.clock.run(50);
      expect(edge.seqs('lobby')).toEqual([1, 2]);
    });

    it('repeat their head, ever more rarely, so that a lost last message is found', async () => {
      await harness.owner();
      const edge = harness.edge();
      edge.attach('lobby', 0);
      edge.publish('lobby', 'one');
      await harness.clock.run(50);
      await harness.clock.run(33_000);
      const heads = edge.controlsOf('head');
      expect(heads.every((h) => h.head === 1 && h.sessions === 1)).toBe(true);
      expect(heads.length).toBeGreaterThanOrEqual(5);
      expect(heads.length).toBeLessThanOrEqual(7);
    });

    it('cost no database read for an attach when this owner has been one for a while', async () => {
      await harness.owner();
      const edge = harness.edge();
      await harness.clock.run(61_000);
      edge.attach('lobby', 0);
      await harness.clock.run(50);
      expect(count('load')).toBe(0);
      expect(edge.controlsOf('attached')).toMatchObject([{ head: -1, sessions: 1 }]);
    });

    it('are loaded together: many that wake in one turn are one query', async () => {
      for (let i = 0; i < 30; i++) harness.room(`room-${i}`);
      await harness.owner();
      const edge = harness.edge();
      await harness.clock.run(2_000);
      const answers = Array.from({ length: 30 }, (_, i) => edge.publish(`room-${i}`, 'hello'));
      await harness.clock.run(100);
      expect(answers.flat()).toHaveLength(30);
      expect(count('load')).toBeLessThanOrEqual(2);
    });

    it('that do not exist are refused, and forgotten', async () => {
      const pod = await harness.owner();
      const edge = harness.edge();
      const answer = edge.publish('nowhere', 'hello');
      await harness.clock.run(2_500);
      expect(answer).toMatchObject([{ code: 'not_found' }]);
      expect(pod.host.roomsAwake).toBe(0);
    });
  });

  describe('edges', () => {
    it('that fall silent are forgotten, with their sessions and mailboxes', async () => {
      const pod = await harness.owner();
      const edge = harness.edge();
      edge.attach('lobby', 0);
      edge.publish('lobby', 'one');
      await harness.clock.run(50);
      edge.link.send({ t: 'lagging', room: 'lobby', session: 1, after: 0 });
      await harness.clock.run(50);
      expect([pod.host.mailboxesLagging, pod.books.waiting]).toEqual([1, 1]);
      edge.fallSilent();
      await harness.clock.run(22_000);
      expect([pod.host.mailboxesLagging, pod.books.waiting]).toEqual([0, 0]);
      expect(pod.books.accepted).toBe(pod.books.delivered + pod.books.dropped);
    });

    it('are told of a member who comes, and so is everybody who listens to the room', async () => {
      await harness.owner();
      const edge = harness.edge();
      edge.attach('lobby', 0);
      edge.publish('lobby', 'one');
      await harness.clock.run(50);
      const done = edge.member({ room: 'lobby', user: 'carol', by: 'carol', change: 'join' });
      await harness.clock.run(50);
      expect(done).toEqual([{ head: 1 }]);
      expect(edge.controlsOf('event')).toMatchObject([{ except: 'carol' }]);
      expect(harness.traffic).toContain(subjects.membership);
      expect(harness.database.rooms.get('lobby')?.members.get('carol')).toBe('member');
    });
  });
});
