import type { ErrorCode } from '@troupe/protocol';

/** Codes with which the server itself refuses; a handler that throws a `TroupeError` adds its own. */
export type RefusalCode = ErrorCode;

/** How one handler is bound to its subject. */
export interface BusHandlerOptions {
  /** Handlers of all pods with the same queue share the messages; without one, each gets all. */
  queue?: string;
  /** A larger payload is refused unread with `too_large`. In bytes; default 256 KiB. */
  payloadBytesMax?: number;
  /** How many messages are handled at once, at most; default 64. With 1 they are handled in order. */
  concurrency?: number;
  /** How many more may wait, at most; past that, requests are refused with `unavailable` and events dropped. Default 1,024. */
  waitingMax?: number;
  /**
   * Makes the JSON reply to a request that has no result: `bad_request` (not JSON), `too_large`, `unavailable`, the
   * code of a `TroupeError` that the handler threw, or `internal` for anything else. Default `{error: code}`.
   */
  refuse?: (code: RefusalCode, error?: unknown) => unknown;
}

export const PAYLOAD_BYTES_MAX = 262_144;
export const CONCURRENCY = 64;
export const WAITING_MAX = 1_024;
