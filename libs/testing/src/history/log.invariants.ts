import type { ErrorCode } from '@troupe/protocol';
import type { Invariant } from './invariant';
import type { RoomView } from './history.view';

const publishKey = (p: { sender: string; clientId: string }): string => `${p.sender}/${p.clientId}`;

function grouped<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return groups;
}

/** Without a history that was read to the end nothing was checked, and silence would look like success. */
export const drained: Invariant = {
  name: 'drained',
  promise: 'the history of each durable room was read to its end',
  counterExamples: ({ durable, final, acks, sessions }) =>
    durable && final === null && (acks.length > 0 || sessions.size > 0)
      ? ['no final history was recorded']
      : [],
};

export const ackedInHistoryOnce: Invariant = {
  name: 'acked-in-history-once',
  promise: 'each acked message is in the history exactly once, with the text that was sent',
  counterExamples: ({ final, acks, sends }) => {
    if (!final) return [];
    const byId = grouped(final, (m) => m.id);
    const textOf = new Map(sends.map((send) => [publishKey(send), send.text]));
    return acks.flatMap((ack) => {
      const found = byId.get(ack.id) ?? [];
      const what = `${publishKey(ack)} was acked as seq ${ack.seq}, id ${ack.id} (n=${ack.n})`;
      if (found.length !== 1) return [`${what}, but is in the history ${found.length} times`];
      const text = textOf.get(publishKey(ack));
      return text === undefined || found[0]?.text === text
        ? []
        : [`${what}, but the history has another text under that id`];
    });
  },
};

export const seqDense: Invariant = {
  name: 'seq-dense',
  promise: 'the seqs of the history are 1, 2, 3 … without holes',
  counterExamples: ({ final }) =>
    (final ?? []).flatMap(({ seq, id }, at) =>
      seq === at + 1 ? [] : [`position ${at + 1} of the history has seq ${seq} (id ${id})`],
    ),
};

export const clientIdOnce: Invariant = {
  name: 'client-id-once',
  promise: 'all acks of one clientId agree, and its message exists once',
  counterExamples: (room) => [...disagreeingAcks(room), ...repeatedSends(room)],
};

function disagreeingAcks({ acks }: RoomView): string[] {
  return [...grouped(acks, publishKey)].flatMap(([key, [first, ...others]]) =>
    others
      .filter((other) => other.seq !== first?.seq || other.id !== first.id)
      .map(
        (other) =>
          `${key} was acked as seq ${first?.seq}, id ${first?.id} (n=${first?.n}) and as seq ${other.seq}, id ${other.id} (n=${other.n})`,
      ),
  );
}

function repeatedSends({ sends, final }: RoomView): string[] {
  const contentKey = (from: string, text: string): string => JSON.stringify([from, text]);
  const byContent = grouped(final ?? [], (m) => contentKey(m.from, m.text));
  return [...grouped(sends, publishKey)].flatMap(([key, [send]]) => {
    const found = send ? (byContent.get(contentKey(send.sender, send.text)) ?? []) : [];
    return found.length > 1
      ? [`${key} is in the history ${found.length} times, at seqs ${found.map((m) => m.seq).join(', ')}`]
      : [];
  });
}

export const noPhantom: Invariant = {
  name: 'no-phantom',
  promise: 'nothing is observed that is not in the history, and nothing is in the history that nobody sent',
  counterExamples: ({ final, sessions, sends, foreign }) => {
    if (!final) return [];
    const ids = new Set(final.map((m) => m.id));
    const unknown = [...sessions.values()].flatMap(({ session, events }) =>
      events.flatMap((event) =>
        event.t === 'receive' && !ids.has(event.id)
          ? [
              `session ${session} got seq ${event.seq}, id ${event.id} (n=${event.n}), which is not in the history`,
            ]
          : [],
      ),
    );
    const sent = new Set(sends.map((send) => JSON.stringify([send.sender, send.text])));
    const invented = final
      .filter((m) => !foreign && !sent.has(JSON.stringify([m.from, m.text])))
      .map((m) => `seq ${m.seq}, id ${m.id} from ${m.from} is in the history, but nobody sent it`);
    return [...unknown, ...invented];
  },
};

/** After these a publish has certainly not happened. `unavailable` and `internal` leave it open. */
const REFUSALS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'bad_frame',
  'bad_request',
  'unauthenticated',
  'forbidden',
  'not_found',
  'not_member',
  'blocked',
  'rate_limited',
  'too_large',
]);

export const noAbortedRead: Invariant = {
  name: 'no-aborted-read',
  promise: 'a message whose every sending was refused is nowhere',
  counterExamples: ({ final, sends, errors }) => {
    if (!final) return [];
    const attemptKey = (a: { session: string; attempt: string }): string => `${a.session}/${a.attempt}`;
    const refused = new Map(errors.filter((e) => REFUSALS.has(e.code)).map((e) => [attemptKey(e), e]));
    const seqOf = new Map(final.map((m) => [JSON.stringify([m.from, m.text]), m.seq]));
    return [...grouped(sends, publishKey)].flatMap(([key, attempts]) => {
      const [first] = attempts;
      const seq = first && seqOf.get(JSON.stringify([first.sender, first.text]));
      const last = attempts.map((a) => refused.get(attemptKey(a)));
      return seq !== undefined && last.every((e) => e !== undefined)
        ? [`${key} was refused with ${last.at(-1)?.code}, but is in the history at seq ${seq}`]
        : [];
    });
  },
};

export const senderOrder: Invariant = {
  name: 'sender-order',
  promise: 'messages that one session sends one after the other to a room get rising seqs',
  counterExamples: ({ sends, acks }) => {
    // A message that was sent again may rightly come after what was sent in between.
    const once = new Set(
      [...grouped(sends, publishKey)].filter(([, s]) => s.length === 1).map(([key]) => key),
    );
    const ackOf = new Map(acks.map((ack) => [publishKey(ack), ack]));
    const last = new Map<string, { key: string; seq: number }>();
    return sends.flatMap((send) => {
      const key = publishKey(send);
      const ack = once.has(key) ? ackOf.get(key) : undefined;
      if (!ack) return [];
      const before = last.get(send.session);
      last.set(send.session, { key, seq: ack.seq });
      return before && before.seq >= ack.seq
        ? [
            `session ${send.session} sent ${before.key} before ${key}, but they have seqs ${before.seq} and ${ack.seq}`,
          ]
        : [];
    });
  },
};
