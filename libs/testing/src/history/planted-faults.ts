import type { EventOf, HistoryEvent } from './history.events';
import type { InvariantName } from './invariant';

/** A fault that a broken system could show, planted into a correct history. */
export interface PlantedFault {
  name: string;
  caughtBy: InvariantName;
  /** Gives the history with the fault at the `at`-th place where it fits (modulo their number); null if it fits nowhere. */
  plant(history: readonly HistoryEvent[], at: number): HistoryEvent[] | null;
}

type Kind = HistoryEvent['t'];

function edit<K extends Kind>(
  kind: K,
  fits: (event: EventOf<K>, history: readonly HistoryEvent[], index: number) => boolean,
  change: (event: EventOf<K>, history: readonly HistoryEvent[], index: number) => HistoryEvent[],
): PlantedFault['plant'] {
  return (history, at) => {
    const places = history.flatMap((event, index) =>
      event.t === kind && fits(event as EventOf<K>, history, index) ? [index] : [],
    );
    const index = places[at % Math.max(places.length, 1)];
    if (index === undefined) return null;
    const event = history[index] as EventOf<K>;
    return [...history.slice(0, index), ...change(event, history, index), ...history.slice(index + 1)];
  };
}

const always = (): boolean => true;

/** Whether the session is still owed something after this event: it stays, or hears more before it leaves. */
function goesOn(event: EventOf<'receive'> | EventOf<'gap'>, history: readonly HistoryEvent[]): boolean {
  const next = history
    .slice(event.n + 1)
    .find(
      (e) =>
        'session' in e &&
        e.session === event.session &&
        (e.room === event.room || e.room === null) &&
        (e.t === 'receive' || e.t === 'gap' || e.t === 'detach'),
    );
  return next?.t !== 'detach';
}

function finalOf(room: string, history: readonly HistoryEvent[]): EventOf<'final'> | undefined {
  return history.find((e): e is EventOf<'final'> => e.t === 'final' && e.room === room);
}

function ackAt(history: readonly HistoryEvent[], at: number): EventOf<'ack'> | undefined {
  const acks = history.filter((e): e is EventOf<'ack'> => e.t === 'ack');
  return acks[at % Math.max(acks.length, 1)];
}

const nextReceive = (event: EventOf<'receive'>, history: readonly HistoryEvent[]): number =>
  history.findIndex(
    (e) => e.n > event.n && e.t === 'receive' && e.session === event.session && e.room === event.room,
  );

export const plantedFaults: readonly PlantedFault[] = [
  {
    name: 'an acked message is lost',
    caughtBy: 'acked-in-history-once',
    plant: (history, at) => {
      const ack = ackAt(history, at);
      if (!ack) return null;
      return history.map((e) =>
        e.t === 'final' ? { ...e, messages: e.messages.filter((m) => m.id !== ack.id) } : e,
      );
    },
  },
  {
    name: 'an acked message has another text',
    caughtBy: 'acked-in-history-once',
    plant: (history, at) => {
      const ack = ackAt(history, at);
      if (!ack) return null;
      const retext = <T extends { id: string; text: string }>(m: T): T =>
        m.id === ack.id ? { ...m, text: 'other' } : m;
      return history.map((e) => {
        if (e.t === 'final') return { ...e, messages: e.messages.map(retext) };
        return e.t === 'receive' ? retext(e) : e;
      });
    },
  },
  {
    name: 'a seq is left out',
    caughtBy: 'seq-dense',
    plant: edit(
      'final',
      (f) => f.messages.length > 1,
      (final) => [{ ...final, messages: final.messages.filter((_, i) => i !== final.messages.length - 2) }],
    ),
  },
  {
    name: 'a message is stored twice',
    caughtBy: 'client-id-once',
    plant: edit(
      'final',
      (f) => f.messages.length > 0,
      (final, _, index) => {
        const copied = final.messages[index % final.messages.length];
        const again = copied ? [{ ...copied, seq: final.messages.length + 1, id: 'again' }] : [];
        return [{ ...final, messages: [...final.messages, ...again] }];
      },
    ),
  },
  {
    name: 'a repeated clientId gets another seq',
    caughtBy: 'client-id-once',
    plant: edit('ack', always, (ack) => [ack, { ...ack, seq: ack.seq + 1 }]),
  },
  {
    name: 'an ack has a wrong seq',
    caughtBy: 'agreement',
    plant: edit(
      'ack',
      (ack, history) => (finalOf(ack.room, history)?.messages.length ?? 0) > 1,
      (ack, history) => [{ ...ack, seq: (ack.seq % (finalOf(ack.room, history)?.messages.length ?? 1)) + 1 }],
    ),
  },
  {
    name: 'two observers disagree on an id',
    caughtBy: 'agreement',
    plant: edit('receive', always, (receive) => [{ ...receive, id: 'another' }]),
  },
  {
    name: 'two observers disagree on a text',
    caughtBy: 'agreement',
    plant: edit('receive', always, (receive) => [{ ...receive, text: 'another' }]),
  },
  {
    name: 'a message is delivered twice',
    caughtBy: 'delivery-rises',
    plant: edit('receive', always, (receive) => [receive, receive]),
  },
  {
    name: 'two messages are delivered in the wrong order',
    caughtBy: 'delivery-rises',
    plant: (history, at) => {
      const first = history.filter(
        (e): e is EventOf<'receive'> => e.t === 'receive' && nextReceive(e, history) > 0,
      );
      const one = first[at % Math.max(first.length, 1)];
      const two = one && history[nextReceive(one, history)];
      if (!one || two?.t !== 'receive') return null;
      const swap = new Map([
        [one.n, { ...two, n: one.n }],
        [two.n, { ...one, n: two.n }],
      ]);
      return history.map((e) => swap.get(e.n) ?? e);
    },
  },
  {
    name: 'a delivery is missing',
    caughtBy: 'gaps-announced',
    plant: edit('receive', goesOn, () => []),
  },
  {
    name: 'a gap is not announced',
    caughtBy: 'gaps-announced',
    plant: edit('gap', goesOn, () => []),
  },
  {
    name: 'a gap is announced too long',
    caughtBy: 'gaps-announced',
    plant: edit('gap', always, (gap) => [{ ...gap, from: gap.from - 1, count: gap.count + 1 }]),
  },
  {
    name: 'a gap counts wrongly',
    caughtBy: 'gaps-announced',
    plant: edit('gap', always, (gap) => [{ ...gap, count: gap.count + 1 }]),
  },
  {
    name: 'a message appears that is not in the history',
    caughtBy: 'no-phantom',
    plant: edit('receive', always, (receive) => [
      receive,
      { ...receive, seq: receive.seq + 1_000, id: 'phantom' },
    ]),
  },
  {
    name: 'the history holds what nobody sent',
    caughtBy: 'no-phantom',
    plant: edit('final', always, (final) => [
      {
        ...final,
        messages: [
          ...final.messages,
          { seq: final.messages.length + 1, id: 'new', from: 'nobody', text: 'boo' },
        ],
      },
    ]),
  },
  {
    name: 'a refused message is stored',
    caughtBy: 'no-aborted-read',
    plant: (history, at) => {
      const refused = history.filter((e) => e.t === 'error' && e.code === 'forbidden');
      const error = refused[at % Math.max(refused.length, 1)];
      const send = history.find((e) => e.t === 'send' && error?.t === 'error' && e.attempt === error.attempt);
      if (send?.t !== 'send') return null;
      return history.map((e) =>
        e.t === 'final' && e.room === send.room
          ? {
              ...e,
              messages: [
                ...e.messages,
                { seq: e.messages.length + 1, id: 'refused', from: send.sender, text: send.text },
              ],
            }
          : e,
      );
    },
  },
  {
    name: 'a history is not read',
    caughtBy: 'drained',
    plant: edit('final', always, () => []),
  },
  {
    name: 'an earlier owner writes after a later one',
    caughtBy: 'epochs-rise',
    plant: edit(
      'row',
      (row) => row.seq > 1,
      (row) => [{ ...row, epoch: 0 }],
    ),
  },
  {
    name: 'two pods write in one epoch',
    caughtBy: 'epochs-rise',
    plant: edit('row', always, (row) => [row, { ...row, writer: 'another-pod' }]),
  },
  {
    name: 'a stale epoch writes while the next one has begun',
    caughtBy: 'fence-holds',
    plant: edit('row', always, (row) => [{ ...row, leaseEpoch: row.epoch + 1 }]),
  },
  {
    name: 'pipelined messages are stored in another order',
    caughtBy: 'sender-order',
    plant: (history, at) => {
      const once = history.filter(
        (e): e is EventOf<'ack'> => e.t === 'ack' && history.filter((o) => sameSend(o, e)).length === 1,
      );
      const pairs = once.flatMap((first) => {
        const second = once.find(
          (o) => o.n > first.n && o.session === first.session && o.room === first.room,
        );
        return second ? [[first, second] as const] : [];
      });
      const pair = pairs[at % Math.max(pairs.length, 1)];
      if (!pair) return null;
      const [first, second] = pair;
      const swap = new Map<number, HistoryEvent>([
        [first.n, { ...first, seq: second.seq, id: second.id }],
        [second.n, { ...second, seq: first.seq, id: first.id }],
      ]);
      return history.map((e) => swap.get(e.n) ?? e);
    },
  },
];

function sameSend(other: HistoryEvent, ack: EventOf<'ack'>): boolean {
  return other.t === 'send' && other.sender === ack.sender && other.clientId === ack.clientId;
}
