/** Every error code that a client, a service or a metric label may see. */
export const ERROR_CODES = [
  'bad_frame',
  'bad_request',
  'unauthenticated',
  'forbidden',
  'not_found',
  'not_member',
  'blocked',
  'rate_limited',
  'room_busy',
  'too_large',
  'conflict',
  'user_exists',
  'request_closed',
  'queue_full',
  'unavailable',
  'internal',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** An error that may be shown to a client: a code and one sentence, never a stack or a host. */
export class TroupeError extends Error {
  constructor(
    readonly code: ErrorCode,
    message: string,
    /** How long to wait before trying again, in milliseconds, where that is known. */
    readonly retryAfterMs?: number,
  ) {
    super(message);
    this.name = 'TroupeError';
  }
}

/** Close codes. 4000–4499: come back, with back-off. 4500–4999 and 1003, 1009: not as you are. */
export const CloseCode = {
  restart: 1012,
  slow: 4008,
  noHello: 4028,
  flooding: 4029,
  badFrames: 4500,
  unauthenticated: 4501,
  forbidden: 4503,
  revoked: 4509,
  tooLarge: 1009,
  binary: 1003,
} as const;
export type CloseCode = (typeof CloseCode)[keyof typeof CloseCode];

/** The HTTP status that each error code has. */
export const HTTP_STATUS: Record<ErrorCode, number> = {
  bad_frame: 400,
  bad_request: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  not_member: 403,
  blocked: 403,
  rate_limited: 429,
  room_busy: 503,
  too_large: 413,
  conflict: 409,
  user_exists: 409,
  request_closed: 409,
  queue_full: 429,
  unavailable: 503,
  internal: 500,
};
