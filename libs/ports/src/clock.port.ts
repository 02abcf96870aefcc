/** Time, given from outside so that it can be simulated. */
export interface Clock {
  /** Monotonic milliseconds, for deadlines and leases. */
  nowMs(): number;
  /** Wall time, RFC 3339 UTC with milliseconds, for what people read. Never for decisions. */
  wallTime(): string;
  /** Calls `action` once after `delayMs`. Returns a function that cancels it. */
  after(delayMs: number, action: () => void): () => void;
  /** Calls `action` every `periodMs`. Returns a function that stops it. */
  every(periodMs: number, action: () => void): () => void;
  /** Calls `action` at the end of the current turn, when everything that has already arrived has been handled. */
  turnEnd(action: () => void): void;
}

/** Ids, given from outside so that runs can be repeated. */
export interface Ids {
  /** A UUIDv7 (RFC 9562): rises with time. */
  uuid(): string;
}
