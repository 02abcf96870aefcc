import { TroupeError } from '@troupe/protocol';

/** What a service client may be allowed. */
export const SCOPES = ['rooms', 'publish'] as const;
export type Scope = (typeof SCOPES)[number];

/** Who a request or a session is, as its token proves. */
export interface Principal {
  /** A user id, or a service client's id. */
  readonly id: string;
  readonly kind: 'user' | 'service';
  readonly scopes: ReadonlySet<string>;
  /** When the token ends, in milliseconds since 1970. */
  readonly expiresAtMs: number;
}

/** Throws `forbidden` unless the principal is a service with that scope. */
export function requireScope(principal: Principal, scope: Scope): void {
  if (principal.kind !== 'service' || !principal.scopes.has(scope)) {
    throw new TroupeError('forbidden', `needs a service with the scope ${scope}`);
  }
}

/** Throws `forbidden` unless the principal is a user. */
export function requireUser(principal: Principal): void {
  if (principal.kind !== 'user') throw new TroupeError('forbidden', 'is for users, not for services');
}
