import type { ServiceName } from './service.names';

/** What a value counts. Shown after each default, so that nobody has to guess a magnitude. */
export type Unit =
  | 'milliseconds'
  | 'seconds'
  | 'bytes'
  | 'messages'
  | 'frames'
  | 'sessions'
  | 'rooms'
  | 'clientIds'
  | 'seqs'
  | 'connections'
  | 'fragments'
  | 'attempts per minute'
  | 'frames per minute'
  | 'messages per second'
  | 'frames per second'
  | 'hashes'
  | 'port';

/** What every setting says about itself; the documents and `.env.example` are made from it. */
export interface Description {
  /** One sentence: what the value does, and what happens at the limit. */
  meaning: string;
  /** Which services read it. Standalone runs all of them, so it is named only where the others have no use for it. */
  usedBy: readonly ServiceName[];
}

/** The outcome of reading one variable: a value, or what was expected (which never repeats a secret). */
export type Reading<T> = { ok: true; value: T } | { ok: false; problem: string };

/** One variable of the environment and how it becomes a `T`. */
export interface Setting<T> extends Description {
  /** The value when the variable is unset or empty. */
  readonly fallback: T;
  /** The default as it would be written in the environment; empty where there is none. */
  readonly defaultText: string;
  readonly unit: Unit | null;
  /** Which values are taken, for people: `500 to 60000`, `fatal, error or warn`, `nats:// or tls://`. */
  readonly bounds: string;
  /** Reads a value that is neither empty nor surrounded by white space. */
  readonly read: (raw: string) => Reading<T>;
}

export const everyService: readonly ServiceName[] = ['gateway', 'room-actor', 'presence'];

/** Joins words as prose does: `a`, `a or b`, `a, b or c`. */
export function oneOf(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}
