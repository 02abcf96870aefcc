import fc from 'fast-check';
import { Audience } from './audience';
import type { EdgeSink } from './edge-sink';

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);

/** Knows of each seq that it was handed over, and of nothing else. */
class SeqEdge implements EdgeSink {
  readonly multicast: number[] = [];
  constructor(readonly id: string) {}
  message(_room: string, _epoch: number, seq: number): void {
    this.multicast.push(seq);
  }
  ack = (): void => undefined;
  piece = (): void => undefined;
  control = (): void => undefined;
}

/** A session as its edge knows it: what it was told, up to which seq, and whether it takes the multicast. */
interface Session {
  edge: number;
  no: number;
  state: 'live' | 'lagging' | 'returning';
  after: number;
  told: number[];
  /** Where it came in: it is owed everything after. */
  from: number;
}

const index = fc.nat(9);
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ op: fc.constant('broadcast' as const), n: fc.integer({ min: 1, max: 5 }) }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('attach' as const), n: index }) },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constantFrom('detach' as const, 'edge' as const, 'sleep' as const, 'returning' as const),
      n: index,
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ op: fc.constantFrom('lag' as const, 'read' as const, 'lose' as const), n: index }),
  },
);

class Model {
  readonly edges = [new SeqEdge('a'), new SeqEdge('b')];
  sessions: Session[] = [];
  head: number;
  asleep = false;
  private made = 0;
  readonly audience: Audience;

  constructor(
    private readonly capacity: number,
    firstHead: number,
  ) {
    this.audience = new Audience('room', { messagesMax: capacity, bytesMax: 1_000_000 });
    this.head = firstHead;
    this.audience.wake(firstHead);
  }

  take({ op, n }: { op: string; n: number }): void {
    const { audience } = this;
    if (op === 'sleep') {
      if (this.sessions.every(({ state }) => state !== 'lagging')) {
        audience.sleep();
        this.asleep = true;
      }
      return;
    }
    if (op === 'attach') return this.attach(n % 2);
    if (op === 'edge') return this.detachEdge(n % 2);
    if (op === 'broadcast') return this.broadcast(n);
    const session = this.sessions[n % Math.max(1, this.sessions.length)];
    if (!session) return;
    const edge = this.edgeOf(session);
    switch (op) {
      case 'detach':
        audience.detach(edge, session.no);
        this.sessions = this.sessions.filter((s) => s !== session);
        return;
      case 'lag':
        if (session.state !== 'live') return;
        this.wake();
        // Its socket had been full for a while: the last messages never went out.
        session.after = Math.max(session.from, session.after - (n % 3));
        session.told = session.told.filter((seq) => seq <= session.after);
        session.state = 'lagging';
        audience.lagging(edge, session.no, session.after);
        return;
      case 'returning':
        if (session.state !== 'lagging') return;
        audience.returning(edge, session.no);
        session.state = 'returning';
        return;
      case 'read':
      case 'lose':
        if (session.state === 'live') return;
        return this.read(session, op === 'lose');
    }
  }

  private attach(edge: number): void {
    const no = ++this.made;
    this.audience.attach(this.edges[edge]!, [[no, `user-${no}`]]);
    this.sessions.push({ edge, no, state: 'live', after: this.head, from: this.head, told: [] });
  }

  private detachEdge(edge: number): void {
    this.audience.detachEdge(this.edges[edge]!);
    this.sessions = this.sessions.filter((s) => s.edge !== edge);
  }

  private broadcast(count: number): void {
    this.wake();
    for (let i = 0; i < count; i++) {
      this.head++;
      this.audience.broadcast(1, new Uint8Array(1));
      for (const session of this.sessions) {
        if (session.state !== 'live') continue;
        session.told.push(this.head);
        session.after = this.head;
      }
    }
  }

  /** Reads a piece; `lost`: it never arrives, so the session asks from the same place again. */
  private read(session: Session, lost: boolean): void {
    this.wake();
    const edge = this.edgeOf(session);
    this.audience.lagging(edge, session.no, session.after);
    const reading = this.audience.read(edge, session.no, 2);
    expect(reading).not.toBeNull();
    if (!reading || lost) return void (session.state = 'lagging');
    const { gap, bodies, upTo, live } = reading;
    const begins = gap ? gap.to : session.after;
    if (gap) expect(gap.from).toBe(session.after + 1);
    expect(upTo - bodies.length).toBe(begins);
    for (let seq = session.after + 1; seq <= upTo; seq++) session.told.push(seq);
    session.after = upTo;
    session.state = live ? 'live' : 'lagging';
    expect(live).toBe(upTo === this.head);
  }

  private wake(): void {
    if (this.asleep) this.audience.wake(this.head);
    this.asleep = false;
  }

  private edgeOf(session: Session): SeqEdge {
    return this.edges[session.edge]!;
  }

  check(): void {
    const { accepted, delivered, dropped, waiting } = this.audience.ledger.totals;
    expect(accepted).toBe(delivered + dropped + waiting);
    for (const n of [delivered, dropped, waiting]) expect(n).toBeGreaterThanOrEqual(0);
    if (!this.asleep) expect(this.head - this.audience.floor).toBeLessThanOrEqual(this.capacity);
    for (const { told, from, after } of this.sessions) {
      expect(told).toEqual(Array.from({ length: after - from }, (_, i) => from + 1 + i));
    }
    for (const [i, edge] of this.edges.entries()) {
      expect(this.audience.sessionsOf(edge)).toBe(this.sessions.filter((s) => s.edge === i).length);
    }
  }
}

describe(`an audience (SEED=${seed})`, () => {
  it('tells every session every seq, once and in order, or its gap; and keeps its books', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 100 }),
        fc.integer({ min: 1, max: 8 }),
        fc.constantFrom(0, 40),
        (steps, capacity, firstHead) => {
          const model = new Model(capacity, firstHead);
          for (const s of steps) {
            model.take(s);
            model.check();
          }
        },
      ),
      { seed, numRuns: 300 },
    );
  });

  it('hands a broadcast to each edge once, however many sessions it has', () => {
    const audience = new Audience('room', { messagesMax: 10, bytesMax: 1_000 });
    const edges = [new SeqEdge('a'), new SeqEdge('b'), new SeqEdge('c')];
    audience.wake(0);
    for (const [i, edge] of edges.entries()) {
      audience.attach(
        edge,
        Array.from({ length: 10 ** i }, (_, no) => [no, `user-${no}`] as const),
      );
    }
    audience.broadcast(1, new Uint8Array(1));
    audience.broadcast(1, new Uint8Array(1));
    expect(edges.map(({ multicast }) => multicast)).toEqual([
      [1, 2],
      [1, 2],
      [1, 2],
    ]);
    expect(audience.ledger.totals.delivered).toBe(222);
  });

  it('refuses to sleep while a mailbox holds messages', () => {
    const audience = new Audience('room', { messagesMax: 10, bytesMax: 1_000 });
    const edge = new SeqEdge('a');
    audience.wake(0);
    audience.attach(edge, [[1, 'alice']]);
    audience.broadcast(1, new Uint8Array(1));
    audience.lagging(edge, 1, 0);
    expect(() => audience.sleep()).toThrow('lagging');
    expect(audience.read(edge, 1, 10)).toMatchObject({ gap: null, upTo: 1, live: true });
    audience.sleep();
    expect(audience.isAwake).toBe(false);
  });

  it('keeps only the sessions that an edge still has', () => {
    const audience = new Audience('room', { messagesMax: 10, bytesMax: 1_000 });
    const edge = new SeqEdge('a');
    audience.wake(0);
    audience.attach(edge, [
      [1, 'alice'],
      [2, 'bob'],
      [3, 'charlie'],
    ]);
    audience.broadcast(1, new Uint8Array(1));
    audience.lagging(edge, 2, 0);
    audience.retain(edge, [[1, 'alice']]);
    expect(audience.sessionsOf(edge)).toBe(1);
    expect([audience.ledger.liveCount, audience.ledger.laggingCount]).toEqual([1, 0]);
    audience.retain(edge, []);
    expect(audience.edgeCount).toBe(0);
  });
});
