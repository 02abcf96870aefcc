import fc from 'fast-check';
import { MailboxLedger, zeroTotals } from './mailbox-ledger';

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);

/** A reader as one would first write it: with a queue of its own, and every message counted by itself. */
interface NaiveReader {
  state: 'live' | 'lagging' | 'outside';
  /** What was handed over and may still come back, oldest first. */
  handed: number[];
  queue: number[];
  cursor: number;
  closed: number;
}

/** The mailboxes of one room, message by message, reader by reader: O(readers) where the ledger is O(1). */
class NaiveRoom {
  readonly readers: NaiveReader[] = [];
  readonly books = zeroTotals();
  head = 0;
  floor = 0;

  constructor(private readonly capacity: number) {}

  append(): void {
    this.head++;
    for (const reader of this.readers) {
      if (reader.state === 'live') {
        reader.handed.push(this.head);
        this.books.accepted++;
        this.books.delivered++;
      } else if (reader.state === 'lagging') {
        reader.queue.push(this.head);
        this.books.accepted++;
        this.books.waiting++;
      }
    }
    while (this.head - this.floor > this.capacity) this.drop(++this.floor);
  }

  /** The reader has everything up to `after`: all that lies behind is owed (again). */
  owe(reader: NaiveReader, after: number, upTo: number): void {
    const owed: number[] = [];
    for (let seq = after + 1; seq <= upTo; seq++) {
      if (reader.handed.includes(seq)) this.books.delivered--;
      else this.books.accepted++;
      if (seq <= this.floor) this.books.dropped++;
      else {
        this.books.waiting++;
        owed.push(seq);
      }
    }
    reader.queue = [...owed, ...reader.queue];
    reader.handed = [];
    reader.cursor = reader.closed = after;
    reader.state = 'lagging';
  }

  read(reader: NaiveReader, to: number): void {
    const taken = reader.queue.filter((seq) => seq <= to);
    reader.queue = reader.queue.filter((seq) => seq > to);
    this.books.waiting -= taken.length;
    this.books.delivered += taken.length;
    reader.closed = Math.max(reader.cursor, this.floor);
    reader.handed = taken;
    reader.cursor = to;
  }

  abandon(reader: NaiveReader): void {
    this.books.waiting -= reader.queue.length;
    this.books.accepted -= reader.queue.length;
    reader.queue = [];
    reader.handed = [];
  }

  private drop(seq: number): void {
    for (const reader of this.readers) {
      if (reader.queue[0] !== seq) continue;
      reader.queue.shift();
      this.books.waiting--;
      this.books.dropped++;
    }
  }
}

type Step =
  | { op: 'append'; count: number }
  | { op: 'enter' | 'leave' | 'outside'; who: number }
  | { op: 'lag' | 'read' | 'move'; who: number; far: number };

const who = fc.nat(5);
const far = fc.nat(12);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ op: fc.constant('append' as const), count: fc.integer({ min: 1, max: 4 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constantFrom('enter' as const, 'leave' as const, 'outside' as const),
      who,
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ op: fc.constantFrom('lag' as const, 'read' as const, 'move' as const), who, far }),
  },
);

/** Does one step to both; a step that makes no sense in the reader's state does nothing. */
function take(s: Step, room: NaiveRoom, ledger: MailboxLedger): void {
  if (s.op === 'append') {
    for (let i = 0; i < s.count; i++) {
      const before = room.floor;
      room.append();
      ledger.appended();
      for (let floor = before + 1; floor <= room.floor; floor++) ledger.floorRose(floor);
    }
    return;
  }
  const { floor, head } = room;
  if (s.op === 'enter') {
    room.readers.push({ state: 'live', handed: [], queue: [], cursor: head, closed: head });
    return ledger.enterLive();
  }
  const reader = room.readers[s.who % Math.max(1, room.readers.length)];
  if (!reader) return;
  const { cursor, closed } = reader;
  switch (s.op) {
    case 'leave':
    case 'outside':
      if (reader.state === 'live') ledger.leaveLive();
      if (reader.state === 'lagging') ledger.leaveLagging(cursor, floor, head);
      room.abandon(reader);
      reader.state = 'outside';
      if (s.op === 'leave') room.readers.splice(room.readers.indexOf(reader), 1);
      return;
    case 'lag': {
      const after = Math.max(0, head - s.far);
      if (reader.state === 'live') ledger.lag({ cursor: after, since: closed, floor, head });
      else if (reader.state === 'outside') ledger.enterLagging(after, floor, head);
      else return;
      return room.owe(reader, after, head);
    }
    case 'read': {
      if (reader.state !== 'lagging') return;
      const to = Math.min(head, Math.max(cursor, floor) + s.far);
      ledger.advance(cursor, to, floor);
      room.read(reader, to);
      if (to < head) return;
      ledger.caughtUp(to, floor);
      reader.state = 'live';
      return;
    }
    case 'move': {
      if (reader.state !== 'lagging') return;
      const to = Math.max(0, Math.min(head, cursor + s.far - 6));
      if (to >= cursor) {
        ledger.advance(cursor, to, floor);
        room.read(reader, to);
        reader.handed = [];
        reader.closed = to;
      } else {
        ledger.rewind({ from: cursor, to, since: closed, floor });
        room.owe(reader, to, cursor);
      }
    }
  }
}

describe(`the ledger of mailboxes (SEED=${seed})`, () => {
  it('has the same books as a queue for each reader, after every step', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), fc.integer({ min: 1, max: 8 }), (steps, capacity) => {
        const room = new NaiveRoom(capacity);
        const sink = zeroTotals();
        const ledger = new MailboxLedger(sink);
        for (const s of steps) {
          take(s, room, ledger);
          const { totals } = ledger;
          expect({ ...totals }).toEqual(room.books);
          expect(totals.accepted).toBe(totals.delivered + totals.dropped + totals.waiting);
          expect(sink).toEqual(totals);
          const lagging = room.readers.filter(({ state }) => state === 'lagging');
          expect(ledger.laggingCount).toBe(lagging.length);
          expect(ledger.liveCount).toBe(room.readers.filter(({ state }) => state === 'live').length);
          expect(ledger.overflowedCount).toBe(lagging.filter(({ cursor }) => cursor < room.floor).length);
          expect(totals.waiting).toBe(
            lagging.reduce((sum, { cursor }) => sum + room.head - Math.max(cursor, room.floor), 0),
          );
        }
      }),
      { seed, numRuns: 500 },
    );
  });
});
