import type { HistoryEvent } from './history.events';

export interface AckGap {
  room: string;
  /** Milliseconds between two acks of the room, or between an edge of the window and the nearest ack. */
  gapMs: number;
  /** When the gap began, on the recorder's clock. */
  sinceMs: number;
}

/**
 * Gives the longest time without an ack of each room within a window, longest first.
 * A room without any ack in the window has a gap as long as the window.
 */
export function longestAckGaps(
  events: readonly HistoryEvent[],
  rooms: readonly string[],
  window: { fromMs: number; toMs: number },
): AckGap[] {
  const last = new Map(rooms.map((room) => [room, window.fromMs]));
  const longest = new Map(rooms.map((room) => [room, { room, gapMs: 0, sinceMs: window.fromMs }]));
  const step = (room: string, at: number): void => {
    const since = last.get(room);
    const known = longest.get(room);
    if (since === undefined || known === undefined) return;
    if (at - since > known.gapMs) longest.set(room, { room, gapMs: at - since, sinceMs: since });
    last.set(room, at);
  };
  for (const event of events) {
    if (event.t === 'ack' && event.at >= window.fromMs && event.at <= window.toMs) step(event.room, event.at);
  }
  for (const room of rooms) step(room, window.toMs);
  return [...longest.values()].sort((a, b) => b.gapMs - a.gapMs);
}
