import type { ErrorCode } from '@troupe/protocol';

/** What OAuth 2.0 (RFC 6749, 5.2) calls an error at the token endpoint, and what we add for overload. */
export type OAuthErrorName =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_grant'
  | 'unauthorized_client'
  | 'unsupported_grant_type'
  | 'invalid_scope'
  | 'rate_limited'
  | 'temporarily_unavailable'
  | 'server_error';

/** A refusal of the token endpoint, in OAuth's own form. */
export class OAuthError extends Error {
  override readonly name = 'OAuthError';

  constructor(
    readonly error: OAuthErrorName,
    description: string,
    /** `code`: what the metric counts. `challenge`: the value of WWW-Authenticate. */
    readonly options: { status: number; code: ErrorCode; challenge?: string; retryAfterMs?: number },
  ) {
    super(description);
  }
}

export const invalidRequest = (description: string): OAuthError =>
  new OAuthError('invalid_request', description, { status: 400, code: 'bad_request' });
