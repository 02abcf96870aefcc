import type { FastifyReply } from 'fastify';
import { OAuthError, type OAuthErrorName } from '../auth/oauth.error';
import { setRetryAfter } from './problem';
import { INTERNAL, type Refusal } from './refusal';

/** Gives the token endpoint's words for an error that has none of its own. */
export function oauthErrorOf(refusal: Refusal = INTERNAL): OAuthError {
  const { status, code, detail, retryAfterMs } = refusal;
  const options = { status, code, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  return new OAuthError(nameOf(status), detail, options);
}

function nameOf(status: number): OAuthErrorName {
  if (status === 429) return 'rate_limited';
  if (status === 503) return 'temporarily_unavailable';
  return status >= 500 ? 'server_error' : 'invalid_request';
}

/** Answers as RFC 6749, 5.2 says. */
export function sendOAuthError(reply: FastifyReply, { error, message, options }: OAuthError): void {
  setRetryAfter(reply, options.retryAfterMs);
  if (options.challenge !== undefined) void reply.header('www-authenticate', options.challenge);
  void reply
    .code(options.status)
    .header('cache-control', 'no-store')
    .header('pragma', 'no-cache')
    .header('content-type', 'application/json')
    .send(JSON.stringify({ error, error_description: message }));
}
