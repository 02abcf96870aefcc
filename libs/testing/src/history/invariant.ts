import type { RoomView } from './history.view';

export const INVARIANT_NAMES = [
  'drained',
  'acked-in-history-once',
  'seq-dense',
  'agreement',
  'delivery-rises',
  'gaps-announced',
  'client-id-once',
  'no-phantom',
  'no-aborted-read',
  'sender-order',
  'epochs-rise',
  'fence-holds',
] as const;
export type InvariantName = (typeof INVARIANT_NAMES)[number];

/** A counter-example: which promise is broken, where, and by what. */
export interface Violation {
  invariant: InvariantName;
  room: string;
  detail: string;
}

/** One promise about a room. Pure: the same history gives the same counter-examples, in the same order. */
export interface Invariant {
  name: InvariantName;
  /** The promise in one sentence. */
  promise: string;
  /** Gives one sentence for each counter-example; none if the promise is kept. */
  counterExamples(room: RoomView): string[];
}
