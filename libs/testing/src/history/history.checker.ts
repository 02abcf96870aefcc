import { epochsRise, fenceHolds } from './epoch.invariants';
import type { HistoryEvent } from './history.events';
import { viewByRoom } from './history.view';
import type { Invariant, Violation } from './invariant';
import {
  ackedInHistoryOnce,
  clientIdOnce,
  drained,
  noAbortedRead,
  noPhantom,
  senderOrder,
  seqDense,
} from './log.invariants';
import { agreement, deliveryRises, gapsAnnounced } from './observer.invariants';

/** Every promise that a recorded history is held to. */
export const invariants: readonly Invariant[] = [
  drained,
  ackedInHistoryOnce,
  seqDense,
  agreement,
  deliveryRises,
  gapsAnnounced,
  clientIdOnce,
  noPhantom,
  noAbortedRead,
  senderOrder,
  epochsRise,
  fenceHolds,
];

/** Judges a whole run and gives every counter-example, by room and then by invariant. Pure. */
export function checkHistory(events: readonly HistoryEvent[]): Violation[] {
  return viewByRoom(events).flatMap((room) =>
    invariants.flatMap(({ name, counterExamples }) =>
      counterExamples(room).map((detail) => ({ invariant: name, room: room.room, detail })),
    ),
  );
}

/** Throws with the first counter-examples of each broken invariant; does nothing for a correct history. */
export function expectCorrectHistory(events: readonly HistoryEvent[]): void {
  const violations = checkHistory(events);
  if (violations.length === 0) return;
  const lines = invariants.flatMap(({ name, promise }) => {
    const broken = violations.filter((v) => v.invariant === name);
    if (broken.length === 0) return [];
    const shown = broken.slice(0, 5).map((v) => `    room ${v.room}: ${v.detail}`);
    return [`  ${name} (${promise}): ${broken.length} times`, ...shown];
  });
  throw new Error(`the history breaks its promises:\n${lines.join('\n')}`);
}
