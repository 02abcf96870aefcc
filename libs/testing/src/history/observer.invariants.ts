import type { EventOf } from './history.events';
import { headOf, type SessionView } from './history.view';
import type { Invariant } from './invariant';

export const agreement: Invariant = {
  name: 'agreement',
  promise: 'all observers, all acks and the history agree on which message has which seq',
  counterExamples: ({ final, acks, sessions, rows }) => {
    const truth = new Map<number, { id: string; text?: string; who: string }>();
    const conflicts: string[] = [];
    const observe = (who: string, seen: { seq: number; id: string; text?: string }): void => {
      const known = truth.get(seen.seq);
      if (!known) {
        truth.set(seen.seq, { ...seen, who });
      } else if (known.id !== seen.id) {
        conflicts.push(`seq ${seen.seq} is id ${known.id} for ${known.who}, but id ${seen.id} for ${who}`);
      } else if (known.text !== undefined && seen.text !== undefined && known.text !== seen.text) {
        conflicts.push(`seq ${seen.seq} (id ${seen.id}) has another text for ${known.who} than for ${who}`);
      } else {
        known.text ??= seen.text as string;
      }
    };
    for (const { seq, id, text } of final ?? []) observe('the history', { seq, id, text });
    for (const { seq, id, n } of rows) observe(`the table (n=${n})`, { seq, id });
    for (const { seq, id, clientId, n } of acks) observe(`the ack of ${clientId} (n=${n})`, { seq, id });
    for (const { session, events } of sessions.values()) {
      for (const event of events) {
        if (event.t !== 'receive') continue;
        const { seq, id, text, n } = event;
        observe(`session ${session} (n=${n})`, { seq, id, text });
      }
    }
    return conflicts;
  },
};

export const deliveryRises: Invariant = {
  name: 'delivery-rises',
  promise: 'the seqs that one session gets from a room rise, and none comes twice',
  counterExamples: ({ sessions }) =>
    [...sessions.values()].flatMap(({ session, events }) => {
      let last = 0;
      return events.flatMap((event) => {
        if (event.t !== 'receive') return [];
        const before = last;
        last = Math.max(last, event.seq);
        return event.seq > before
          ? []
          : [`session ${session} got seq ${event.seq} after ${before} (n=${event.n})`];
      });
    }),
};

export const gapsAnnounced: Invariant = {
  name: 'gaps-announced',
  promise: 'what a session was delivered and the gaps it was told are together everything since it attached',
  counterExamples: (room) => {
    const head = headOf(room);
    return [...room.sessions.values()].flatMap((session) => uncovered(session, head));
  },
};

/** Walks along what a session was told: each frame must begin exactly where the one before ended. */
function uncovered({ session, events }: SessionView, head: number): string[] {
  const found: string[] = [];
  let reading: 'unknown' | 'attached' | 'detached' = 'unknown';
  /** The seqs below were there before the session was; being told of them is no fault. */
  let base = 0;
  /** The next seq that the session must hear of; null where its starting point is unknown. */
  let due: number | null = null;
  for (const event of events) {
    if (event.t === 'attach') {
      if (reading !== 'attached') due = base = event.head + 1;
      reading = 'attached';
    } else if (event.t === 'detach') {
      reading = 'detached';
    } else if (reading !== 'detached') {
      reading = 'attached';
      found.push(...problemsOf(session, event, due, base));
      due = Math.max(due ?? 0, (event.t === 'gap' ? event.to : event.seq) + 1);
    }
  }
  if (reading === 'attached' && due !== null && due <= head) {
    found.push(`session ${session} stayed, but was never told of ${due}..${head}`);
  }
  return found;
}

function problemsOf(
  session: string,
  event: EventOf<'receive'> | EventOf<'gap'>,
  due: number | null,
  base: number,
): string[] {
  const at = `(n=${event.n})`;
  if (event.t === 'receive') {
    return due !== null && event.seq > due
      ? [`session ${session} got seq ${event.seq} without a word of ${due}..${event.seq - 1} ${at}`]
      : [];
  }
  const gap = `gap ${event.from}..${event.to}`;
  if (event.to < event.from || event.count !== event.to - event.from + 1) {
    return [`session ${session} was told a ${gap} of ${event.count} messages ${at}`];
  }
  if (due === null || event.to < base || event.from === due) return [];
  return event.from < due
    ? [`session ${session} was told a ${gap}, though it had been told up to ${due - 1} ${at}`]
    : [`session ${session} was told a ${gap} without a word of ${due}..${event.from - 1} ${at}`];
}
