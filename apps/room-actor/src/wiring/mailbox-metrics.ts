import type { MailboxTotals } from '@troupe/actor-core';
import type { Metrics } from '@troupe/observability';
import { ROOM_KINDS, type RoomKind } from '@troupe/protocol';

type MailboxInstruments = Pick<
  Metrics,
  'mailboxAccepted' | 'mailboxDelivered' | 'mailboxDropped' | 'mailboxWaiting'
>;

/** Gives, for each kind of room, the totals that its rooms' ledgers add to; each change is a metric at once. */
export function mailboxMetrics(metrics: MailboxInstruments): (kind: RoomKind) => MailboxTotals {
  const sinks = new Map(ROOM_KINDS.map((kind) => [kind, new MailboxSink(metrics, kind)]));
  return (kind) => sinks.get(kind) ?? new MailboxSink(metrics, kind);
}

/**
 * The books of one kind of room, as counters that never fall.
 *
 * In the books `accepted` and `delivered` fall when a reader gives back what it was handed, or leaves with a full
 * mailbox. Here both rise by as much instead: what came back was handed over and is accepted again, and what left with
 * its reader has left its mailbox. `accepted = delivered + dropped + waiting` holds either way.
 */
class MailboxSink implements MailboxTotals {
  private readonly sums = { accepted: 0, delivered: 0, dropped: 0, waiting: 0 };

  private readonly drops: { inc(n: number): void };

  constructor(
    private readonly metrics: MailboxInstruments,
    kind: RoomKind,
  ) {
    this.drops = metrics.mailboxDropped.by(kind);
  }

  get accepted(): number {
    return this.sums.accepted;
  }

  set accepted(to: number) {
    const change = to - this.sums.accepted;
    this.sums.accepted = to;
    if (change >= 0) this.metrics.mailboxAccepted.inc(change);
    else this.metrics.mailboxDelivered.inc(-change);
  }

  get delivered(): number {
    return this.sums.delivered;
  }

  set delivered(to: number) {
    const change = to - this.sums.delivered;
    this.sums.delivered = to;
    if (change >= 0) this.metrics.mailboxDelivered.inc(change);
    else this.metrics.mailboxAccepted.inc(-change);
  }

  get dropped(): number {
    return this.sums.dropped;
  }

  set dropped(to: number) {
    this.drops.inc(to - this.sums.dropped);
    this.sums.dropped = to;
  }

  get waiting(): number {
    return this.sums.waiting;
  }

  set waiting(to: number) {
    this.metrics.mailboxWaiting.add(to - this.sums.waiting);
    this.sums.waiting = to;
  }
}
