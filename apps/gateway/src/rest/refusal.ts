import { HttpException } from '@nestjs/common';
import {
  BusUnavailable,
  NoResponders,
  PresenceUnavailable,
  RequestTimeout,
  StoreUnavailable,
} from '@troupe/ports';
import { HTTP_STATUS, TroupeError, type ErrorCode } from '@troupe/protocol';

/** Why a request was refused, in words that may be shown. */
export interface Refusal {
  status: number;
  code: ErrorCode;
  detail: string;
  retryAfterMs?: number;
}

const RETRY_AFTER_MS = 1_000;
const UNAVAILABLE = [StoreUnavailable, BusUnavailable, NoResponders, RequestTimeout, PresenceUnavailable];

export const INTERNAL: Refusal = { status: 500, code: 'internal', detail: 'something went wrong here' };

/** Gives the refusal that an error means, or undefined for an error that nobody foresaw. */
export function refusalOf(error: unknown): Refusal | undefined {
  if (error instanceof TroupeError) {
    const status = HTTP_STATUS[error.code];
    const retryAfterMs = error.retryAfterMs ?? (status === 503 ? RETRY_AFTER_MS : undefined);
    return {
      status,
      code: error.code,
      detail: error.message,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    };
  }
  if (UNAVAILABLE.some((kind) => error instanceof kind)) {
    return {
      status: 503,
      code: 'unavailable',
      detail: 'not available right now',
      retryAfterMs: RETRY_AFTER_MS,
    };
  }
  // From Nest and Fastify; their own words may repeat the path or a header, so they are not passed on.
  return error instanceof HttpException ? refusalOfStatus(error.getStatus()) : undefined;
}

/** The refusal for a status that the framework chose. */
export function refusalOfStatus(status: number): Refusal | undefined {
  const known = STATUSES.get(status);
  if (known) return { status, code: known[0], detail: known[1] };
  return status >= 400 && status < 500
    ? { status, code: 'bad_request', detail: 'the request cannot be understood' }
    : undefined;
}

const STATUSES = new Map<number, [ErrorCode, string]>([
  [400, ['bad_request', 'the request or its body cannot be read']],
  [404, ['not_found', 'there is nothing at this address']],
  [408, ['bad_request', 'the request took too long to arrive']],
  [413, ['too_large', 'the body is too large']],
  [414, ['bad_request', 'the address is too long']],
  [415, ['bad_request', 'the body has a media type that is not accepted here']],
  [431, ['too_large', 'the headers are too large']],
  [503, ['unavailable', 'not available right now']],
]);
