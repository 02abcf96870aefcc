import type { ErrorCode } from '@troupe/protocol';

/**
 * One fact of a run as clients and the database saw it. A history is a list of these; the checker reads nothing else,
 * so a run that was written to a file can be judged again later.
 */
export type HistoryFact =
  | SendFact
  | AckFact
  | ErrorFact
  | AttachFact
  | DetachFact
  | ReceiveFact
  | GapFact
  | FinalFact
  | RowFact
  | RoomFact;

/** `n` orders all facts of one run, `at` is monotonic milliseconds. */
export interface Stamp {
  n: number;
  at: number;
}

export type HistoryEvent = HistoryFact & Stamp;
export type EventOf<K extends HistoryFact['t']> = Extract<HistoryFact, { t: K }> & Stamp;

/** A publish left the client. One `clientId` may be sent several times; `attempt` is unique per session. */
export interface SendFact {
  t: 'send';
  session: string;
  room: string;
  sender: string;
  clientId: string;
  attempt: string;
  /** Unique for each (room, sender, clientId), because history carries no `clientId`. */
  text: string;
}

export interface AckFact {
  t: 'ack';
  session: string;
  room: string;
  sender: string;
  clientId: string;
  attempt: string;
  seq: number;
  id: string;
}

/** A publish was answered with an error. */
export interface ErrorFact {
  t: 'error';
  session: string;
  room: string;
  sender: string;
  clientId: string;
  attempt: string;
  code: ErrorCode;
}

/** From here on the session must be told everything after `head`: by `welcome`, by `joined` or by its own `resume`. */
export interface AttachFact {
  t: 'attach';
  session: string;
  room: string;
  head: number;
}

/** The session stopped reading the room; with a null room it closed. */
export interface DetachFact {
  t: 'detach';
  session: string;
  room: string | null;
}

export interface ReceiveFact {
  t: 'receive';
  session: string;
  room: string;
  seq: number;
  id: string;
  from: string;
  text: string;
}

export interface GapFact {
  t: 'gap';
  session: string;
  room: string;
  from: number;
  to: number;
  count: number;
}

export interface LoggedMessage {
  seq: number;
  id: string;
  from: string;
  text: string;
}

/** The room's whole history, read to the end after everything had come to rest. */
export interface FinalFact {
  t: 'final';
  room: string;
  messages: LoggedMessage[];
}

/** How one message was committed, as the database saw it. */
export interface RowFact {
  t: 'row';
  room: string;
  seq: number;
  id: string;
  /** Under which epoch the writer thought that it owned the partition. */
  epoch: number;
  /** The epoch that the lease row had when the message was written. */
  leaseEpoch?: number;
  /** Which process wrote it. */
  writer?: string;
}

/** What the checker has to know of a room that is not an ordinary durable one. */
export interface RoomFact {
  t: 'room';
  room: string;
  /** False: there is no history to compare with. Default true. */
  durable?: boolean;
  /** True: others than the recorded sessions published there too. Default false. */
  foreign?: boolean;
}

/** Writes a history as one JSON object a line. */
export function encodeHistory(events: readonly HistoryEvent[]): string {
  return events.map((event) => `${JSON.stringify(event)}\n`).join('');
}

/** Reads what {@link encodeHistory} wrote. Throws a SyntaxError at a line that is not JSON. */
export function decodeHistory(jsonl: string): HistoryEvent[] {
  return jsonl
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as HistoryEvent);
}
