import fc from 'fast-check';
import type { EdgeSession, Outlet } from '@troupe/edge';
import { createMetrics } from '@troupe/observability';
import type { EdgeSink } from '@troupe/room';
import { type HarnessEdge, RoomHarness } from '@troupe/testing';
import { mailboxMetrics } from '../../apps/room-actor/src/wiring/mailbox-metrics';

/*
 * What a mailbox promises, in ticks of a simulated clock. The transports are defined here; the library is used as it is:
 *
 *   publish → Room → GatewayStreamWriter ⇒ bytes ⇒ readGatewayStream → Fanout → a transport of this file
 */

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);

type Frame =
  | { type: 'message'; seq: number; text: string; tick: number }
  | { type: 'gap'; from: number; to: number; count: number; reason: string; tick: number }
  | { type: 'member'; tick: number };

/** A reader that takes one frame in every `ticksAFrame`, and says no while it has one that it has not taken. */
class TickReader implements Outlet {
  readonly taken: Frame[] = [];
  overflowed = false;
  stalled = false;
  private waiting: Frame[] = [];
  private readonly session: EdgeSession;

  constructor(
    private readonly harness: RoomHarness,
    private readonly edge: HarnessEdge,
    private readonly ticksAFrame: number,
    user: string,
  ) {
    this.session = edge.join(this, { user });
  }

  get writable(): boolean {
    return !this.stalled && this.waiting.length === 0;
  }

  write(bytes: Uint8Array): void {
    // Frames of one turn come in one piece; here they are JSON objects, one after the other.
    const text = Buffer.from(bytes).toString().replaceAll('}{', '}\n{');
    for (const line of text.split('\n')) this.take(JSON.parse(line) as Frame);
  }

  control(frame: Uint8Array): void {
    this.write(frame);
  }

  overflow(): void {
    this.overflowed = true;
  }

  resume(): void {
    this.stalled = false;
    this.edge.fanout.drained(this.session);
  }

  leave(): void {
    this.edge.fanout.close(this.session);
  }

  get seqs(): number[] {
    return this.taken.flatMap((f) => (f.type === 'message' ? [f.seq] : []));
  }

  get gaps(): [number, number][] {
    return this.taken.flatMap((f) => (f.type === 'gap' ? [[f.from, f.to] as [number, number]] : []));
  }

  /** In which tick each message was taken. */
  get ticks(): number[] {
    return this.taken.flatMap((f) => (f.type === 'message' ? [f.tick] : []));
  }

  private take(frame: Frame): void {
    if (this.ticksAFrame === 0) return void this.taken.push({ ...frame, tick: this.now });
    this.waiting.push(frame);
    if (this.waiting.length === 1) this.harness.clock.after(this.ticksAFrame, () => this.next());
  }

  private next(): void {
    const frame = this.waiting.shift();
    if (frame) this.taken.push({ ...frame, tick: this.now });
    if (this.waiting.length > 0) this.harness.clock.after(this.ticksAFrame, () => this.next());
    else this.edge.fanout.drained(this.session);
  }

  private get now(): number {
    return this.harness.clock.nowMs();
  }
}

function capacity(messagesMax: number): { limits: { ring: { messagesMax: number; bytesMax: number } } } {
  return { limits: { ring: { messagesMax, bytesMax: 1_000_000 } } };
}

describe('a fast and a slow reader of one room', () => {
  it('has the message at the fast one in the same tick, at the slow one three ticks later', () => {
    const harness = new RoomHarness();
    const edge = harness.edge();
    const fast = new TickReader(harness, edge, 0, 'fast');
    const slow = new TickReader(harness, edge, 3, 'slow');
    harness.tick(10);

    harness.publish();
    harness.tick();

    expect(fast.ticks).toEqual([10]);
    expect(slow.ticks).toEqual([]);
    harness.tick(2);
    expect(slow.ticks).toEqual([13]);
  });

  it('keeps the fast one at its own speed while the slow one falls behind, message after message', () => {
    const harness = new RoomHarness();
    const edge = harness.edge();
    const fast = new TickReader(harness, edge, 0, 'fast');
    const slow = new TickReader(harness, edge, 3, 'slow');
    harness.tick(10);

    for (let i = 0; i < 6; i++) {
      harness.publish();
      harness.tick();
    }
    harness.tick(30);

    expect(fast.ticks).toEqual([10, 11, 12, 13, 14, 15]);
    expect(slow.seqs).toEqual([1, 2, 3, 4, 5, 6]);
    expect(slow.ticks.every((tick, i) => i === 0 || tick - (slow.ticks[i - 1] ?? 0) >= 3)).toBe(true);
    expect(slow.gaps).toEqual([]);
  });
});

describe('a mailbox of capacity 3 with a stalled reader', () => {
  function tenBroadcasts(apart: number, options: ConstructorParameters<typeof RoomHarness>[0] = {}) {
    const harness = new RoomHarness({ ...capacity(3), ...options });
    const edge = harness.edge();
    const slow = new TickReader(harness, edge, 0, 'slow');
    const fast = new TickReader(harness, edge, 0, 'fast');
    harness.tick();
    slow.stalled = true;
    for (let i = 0; i < 10; i++) {
      harness.publish();
      if (apart > 0) harness.tick(apart);
    }
    harness.tick();
    return { harness, slow, fast };
  }

  it.each([
    ['in one turn', 0],
    ['a tick apart', 1],
  ])(
    'delivers the last three of ten broadcasts %s, counts seven drops, and tells the gap first',
    (_, apart) => {
      const { harness, slow, fast } = tenBroadcasts(apart);
      expect(slow.taken).toEqual([]);
      expect(harness.ledger.totals).toEqual({ accepted: 20, delivered: 10, dropped: 7, waiting: 3 });

      slow.resume();
      harness.tick();

      expect(slow.taken.map(({ tick: _tick, ...frame }) => frame)).toMatchObject([
        { type: 'gap', from: 1, to: 7, count: 7, reason: 'slow' },
        { type: 'message', seq: 8 },
        { type: 'message', seq: 9 },
        { type: 'message', seq: 10 },
      ]);
      expect(fast.seqs).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
      expect(harness.ledger.totals).toEqual({ accepted: 20, delivered: 13, dropped: 7, waiting: 0 });
    },
  );

  it('shows a scrape the same numbers, for the kind of the room', async () => {
    const metrics = createMetrics({ service: 'room-actor' });
    const scraped = async (): Promise<string[]> =>
      (await metrics.text()).split('\n').filter((line) => line.startsWith('troupe_mailbox_'));

    const { harness, slow } = tenBroadcasts(0, { totalsOf: mailboxMetrics(metrics), ...capacity(3) });
    const lagging = await scraped();
    expect(lagging).toContain('troupe_mailbox_dropped_total{kind="group"} 7');
    expect(lagging).toContain('troupe_mailbox_dropped_total{kind="channel"} 0');
    expect(lagging).toContain('troupe_mailbox_waiting 3');

    slow.resume();
    harness.tick();
    const sums = Object.fromEntries((await scraped()).map((line) => line.split(' ') as [string, string]));
    expect(sums['troupe_mailbox_dropped_total{kind="group"}']).toBe('7');
    expect(sums['troupe_mailbox_waiting']).toBe('0');
    expect(Number(sums['troupe_mailbox_accepted_total'])).toBe(
      Number(sums['troupe_mailbox_delivered_total']) + 7,
    );
  });

  it('disconnects the reader instead where the room is set to it', () => {
    const { harness, slow, fast } = tenBroadcasts(1, { room: { onOverflow: 'disconnect' }, ...capacity(3) });
    expect(slow.overflowed).toBe(true);
    expect(fast.overflowed).toBe(false);
    expect(harness.ledger.totals.waiting).toBe(0);
  });
});

describe('a transport of one’s own', () => {
  /** Below the gateways: an edge that is neither binary nor NATS, only a list. */
  class ListEdge implements EdgeSink {
    readonly id = 'list';
    readonly seen: string[] = [];
    message(_room: string, epoch: number, seq: number, body: Uint8Array): void {
      const { text } = JSON.parse(Buffer.from(body).toString()) as { text: string };
      this.seen.push(`${epoch}:${seq} ${text}`);
    }
    ack(): void {
      this.seen.push('ack');
    }
    piece(header: { upTo: number; live: boolean }, bodies: readonly Uint8Array[]): void {
      this.seen.push(`piece of ${bodies.length} up to ${header.upTo}${header.live ? ', live' : ''}`);
    }
    control(record: { c: string }): void {
      this.seen.push(record.c);
    }
  }

  it('gets what the binary stream would carry, as an edge of the room', () => {
    const harness = new RoomHarness(capacity(3));
    const edge = new ListEdge();
    const stamp = { nowMs: 0, at: harness.clock.wallTime() };
    const sessions: [number, string][] = [[1, 'alice']];
    harness.room.attach({ t: 'attach', room: 'room', after: null, sessions }, edge, stamp, false);
    harness.publish('hello');
    harness.tick();
    harness.room.lagging({ t: 'lagging', room: 'room', session: 1, after: 0 }, edge, stamp);
    harness.room.resume(
      { t: 'resume', room: 'room', session: 1, user: 'alice', after: 0, mode: 'mailbox', bytesMax: 1 },
      edge,
      stamp,
    );
    expect(edge.seen).toEqual(['attached', '1:1 hello', 'piece of 1 up to 1, live']);
  });

  it('gets complete frames in its own encoding, as a reader of an edge', () => {
    const harness = new RoomHarness();
    const edge = harness.edge();
    const letters: string[] = [];
    edge.join({
      writable: true,
      write: (frames) => void letters.push(Buffer.from(frames).toString()),
      control: () => undefined,
      overflow: () => undefined,
    });
    harness.tick();
    harness.publish('one');
    harness.publish('two');
    harness.tick();
    expect(letters).toHaveLength(1);
    expect(letters[0]).toMatch(/"seq":1,.*"text":"one".*\{"type":"message".*"seq":2,.*"text":"two"/);
  });
});

describe(`whatever the interleaving (SEED=${seed})`, () => {
  const step = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({ op: fc.constant('publish' as const), count: fc.integer({ min: 1, max: 5 }) }),
    },
    {
      weight: 4,
      arbitrary: fc.record({ op: fc.constant('tick' as const), count: fc.integer({ min: 1, max: 4 }) }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ op: fc.constantFrom('stall' as const, 'resume' as const), who: fc.nat(3) }),
    },
  );

  it('delivers rising seqs to each reader, and tells every other seq as a gap', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 60 }),
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 400 }),
        (steps, messagesMax, pieceBytes) => {
          const harness = new RoomHarness({ ...capacity(messagesMax), pieceBytes });
          const edges = [harness.edge(), harness.edge()];
          const readers = edges.flatMap((edge, i) =>
            [0, 2].map((ticks) => new TickReader(harness, edge, ticks + i, `user-${i}-${ticks}`)),
          );
          harness.tick();
          for (const s of steps) {
            if (s.op === 'publish') harness.publishMany(s.count);
            else if (s.op === 'tick') harness.tick(s.count);
            else if (s.op === 'stall') readers[s.who]!.stalled = true;
            else readers[s.who]!.resume();
            const { accepted, delivered, dropped, waiting } = harness.ledger.totals;
            expect(accepted).toBe(delivered + dropped + waiting);
          }
          harness.tick();
          for (const reader of readers) reader.resume();
          harness.tick(5_000);

          for (const { seqs, gaps } of readers) {
            expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
            const told = gaps.flatMap(([from, to]) => range(from, to));
            expect([...seqs, ...told].sort((a, b) => a - b)).toEqual(range(1, harness.messages.length));
          }
          const { dropped, waiting } = harness.ledger.totals;
          expect(waiting).toBe(0);
          expect(dropped).toBe(sum(readers.flatMap(({ gaps }) => gaps.map(([from, to]) => to - from + 1))));
        },
      ),
      { seed, numRuns: 200 },
    );
  });
});

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);
const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
