/** The four numbers of a room's mailboxes. `accepted = delivered + dropped + waiting` at every moment. */
export interface MailboxTotals {
  /** Messages times readers that the room took responsibility for. */
  accepted: number;
  /** Handed to a reader's edge and not given back. */
  delivered: number;
  /** Pushed out of a full mailbox; each is announced in a gap. */
  dropped: number;
  /** Kept for readers that lag. */
  waiting: number;
}

export function zeroTotals(): MailboxTotals {
  return { accepted: 0, delivered: 0, dropped: 0, waiting: 0 };
}

/**
 * Keeps the books of all mailboxes of one room without visiting any of them.
 *
 * All mailboxes share the ring's floor, so only *how many* cursors stand at which seq matters: a broadcast is O(1)
 * however many readers there are, and pushing a message out is O(1) however many readers had not read it.
 */
export class MailboxLedger {
  readonly totals: MailboxTotals = zeroTotals();
  private live = 0;
  private lagging = 0;
  /** Lagging cursors below the floor: each loses one message whenever the floor rises. */
  private stale = 0;
  /** How many lagging cursors stand at a seq at or above the floor. */
  private readonly at = new Map<number, number>();

  /** `sink` is told every change as well; it adds up the books of many rooms. */
  constructor(private sink: MailboxTotals = zeroTotals()) {}

  /** From now on another sink is told: which one may be known only after readers have come. */
  reportTo(sink: MailboxTotals): void {
    this.sink = sink;
  }

  get liveCount(): number {
    return this.live;
  }

  get laggingCount(): number {
    return this.lagging;
  }

  /** Lagging readers that have lost messages and not been told yet. */
  get overflowedCount(): number {
    return this.stale;
  }

  /** A reader that keeps up came. */
  enterLive(): void {
    this.live++;
  }

  /** A reader that keeps up left. */
  leaveLive(): void {
    this.live--;
  }

  /** A message was appended. */
  appended(): void {
    this.add('accepted', this.live + this.lagging);
    this.add('delivered', this.live);
    this.add('waiting', this.lagging);
  }

  /** The floor rose by one, to `floor`: every lagging reader that had not read that message loses it. Gives how many. */
  floorRose(floor: number): number {
    if (this.lagging === 0) return 0;
    const crossing = this.at.get(floor - 1) ?? 0;
    if (crossing > 0) this.at.delete(floor - 1);
    this.stale += crossing;
    this.add('dropped', this.stale);
    this.add('waiting', -this.stale);
    return this.stale;
  }

  /**
   * A live reader did not take what came after `cursor`: what had counted as delivered waits, or is gone already.
   * `since`: from which seq on this ledger counted for that reader; what lies before is accepted only now.
   */
  lag({ cursor, since, floor, head }: { cursor: number; since: number; floor: number; head: number }): void {
    this.live--;
    this.giveBack({ cursor, since, floor, upTo: head });
    this.lagging++;
    this.place(cursor, floor);
  }

  /** A lagging reader did not get what it was handed after `to`: it stands at `to` again, below `from`. */
  rewind({ from, to, since, floor }: { from: number; to: number; since: number; floor: number }): void {
    this.unplace(from, floor);
    this.giveBack({ cursor: to, since, floor, upTo: from });
    this.place(to, floor);
  }

  /** A reader that was outside the books (it caught up from history) has its place from `cursor` on. */
  enterLagging(cursor: number, floor: number, head: number): void {
    this.giveBack({ cursor, since: head, floor, upTo: head });
    this.lagging++;
    this.place(cursor, floor);
  }

  /** A lagging reader has read up to `to`; what was dropped in between is in the books already. */
  advance(from: number, to: number, floor: number): void {
    this.unplace(from, floor);
    this.place(to, floor);
    const read = Math.max(0, to - Math.max(from, floor));
    this.add('delivered', read);
    this.add('waiting', -read);
  }

  /** A lagging reader has everything up to the head and keeps up from here. */
  caughtUp(cursor: number, floor: number): void {
    this.unplace(cursor, floor);
    this.lagging--;
    this.live++;
  }

  /** A lagging reader left, or went to read history: what waited for it alone is in nobody's care any more. */
  leaveLagging(cursor: number, floor: number, head: number): void {
    this.unplace(cursor, floor);
    this.lagging--;
    const abandoned = head - Math.max(cursor, floor);
    this.add('waiting', -abandoned);
    this.add('accepted', -abandoned);
  }

  /** What lies in `cursor + 1 … upTo` is owed (again): it had counted as delivered after `since`, and not at all before. */
  private giveBack(owed: { cursor: number; since: number; floor: number; upTo: number }): void {
    const { cursor, since, floor, upTo } = owed;
    const counted = Math.max(0, upTo - Math.max(cursor, since));
    const lost = Math.max(0, Math.min(floor, upTo) - cursor);
    this.add('delivered', -counted);
    this.add('accepted', upTo - cursor - counted);
    this.add('dropped', lost);
    this.add('waiting', upTo - cursor - lost);
  }

  private place(cursor: number, floor: number): void {
    if (cursor < floor) this.stale++;
    else this.at.set(cursor, (this.at.get(cursor) ?? 0) + 1);
  }

  private unplace(cursor: number, floor: number): void {
    if (cursor < floor) {
      this.stale--;
      return;
    }
    const left = (this.at.get(cursor) ?? 0) - 1;
    if (left > 0) this.at.set(cursor, left);
    else this.at.delete(cursor);
  }

  private add(key: keyof MailboxTotals, n: number): void {
    this.totals[key] += n;
    this.sink[key] += n;
  }
}
