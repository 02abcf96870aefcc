import { createHash } from 'node:crypto';
import { StoreUnavailable } from '@troupe/ports';
import { TroupeError, isId } from '@troupe/protocol';
import { errors, jwtVerify, type JWTPayload } from 'jose';
import { LRUCache } from 'lru-cache';
import { TOKEN_ALGORITHM, type SigningKeys } from './signing-keys';
import { TOKEN_AUDIENCE, TOKEN_ISSUER, TOKEN_TYPE } from './token-issuer';
import type { Principal } from './principal';

/** Ours have about 400 characters, a service's a few more for its scopes. */
export const TOKEN_CHARACTERS_MAX = 4_096;
/** How far the clocks of two pods may be apart, in seconds. */
export const TOKEN_LEEWAY_S = 30;
/** How many verified tokens are remembered: about 300 bytes each. */
export const TOKEN_CACHE_MAX = 20_000;

const COMPACT_JWS = /^[\w-]+\.[\w-]+\.[\w-]+$/;

const invalid = (): TroupeError => new TroupeError('unauthenticated', 'the token is not valid');
const expired = (): TroupeError => new TroupeError('unauthenticated', 'the token has expired');

/**
 * Tells whose token it is.
 *
 * A token that verified is remembered until it ends, so that a herd of sessions with one token costs one signature.
 * Refusals are not remembered: there is no end of them.
 */
export class TokenVerifier {
  private readonly verified: LRUCache<string, Principal>;
  /** Tokens being verified now, so that a burst with one token waits for one answer. */
  private readonly pending = new Map<string, Promise<Principal>>();

  constructor(
    private readonly keys: SigningKeys,
    private readonly wallMs: () => number = Date.now,
    cacheMax: number = TOKEN_CACHE_MAX,
  ) {
    this.verified = new LRUCache({ max: cacheMax });
  }

  /**
   * Rejects with `TroupeError`: `unauthenticated` for anything but a token of ours that is valid now, `unavailable`
   * while the key cannot be read for the first time.
   */
  async verify(token: string): Promise<Principal> {
    // Before anything is decoded: a huge or odd text costs nothing.
    if (token.length > TOKEN_CHARACTERS_MAX || !COMPACT_JWS.test(token)) throw invalid();
    const key = createHash('sha256').update(token).digest('base64url');
    const known = this.verified.get(key);
    if (known) {
      if (known.expiresAtMs + TOKEN_LEEWAY_S * 1_000 > this.wallMs()) return known;
      this.verified.delete(key);
      throw expired();
    }
    return this.pending.get(key) ?? this.verifyOnce(key, token);
  }

  private verifyOnce(key: string, token: string): Promise<Principal> {
    const check = this.check(token)
      .then((principal) => {
        this.verified.set(key, principal);
        return principal;
      })
      .finally(() => this.pending.delete(key));
    this.pending.set(key, check);
    return check;
  }

  private async check(token: string): Promise<Principal> {
    const nowMs = this.wallMs();
    try {
      const { kid, publicKey } = await this.keys.pair();
      const { payload } = await jwtVerify(
        token,
        (header) => {
          // Header fields that bring or point to a key (jwk, jku, x5u) are never looked at.
          if (header.kid !== kid) throw invalid();
          return publicKey;
        },
        {
          algorithms: [TOKEN_ALGORITHM],
          typ: TOKEN_TYPE,
          issuer: TOKEN_ISSUER,
          audience: TOKEN_AUDIENCE,
          requiredClaims: ['sub', 'iat', 'exp', 'jti'],
          clockTolerance: TOKEN_LEEWAY_S,
          currentDate: new Date(nowMs),
        },
      );
      return principalOf(payload, nowMs);
    } catch (error) {
      if (error instanceof TroupeError) throw error;
      if (error instanceof errors.JWTExpired) throw expired();
      if (error instanceof errors.JOSEError) throw invalid();
      if (error instanceof StoreUnavailable) {
        throw new TroupeError('unavailable', 'tokens cannot be checked right now', 1_000);
      }
      throw error;
    }
  }
}

function principalOf(payload: JWTPayload, nowMs: number): Principal {
  const { sub, iat, exp, kind, scope } = payload;
  if (!isId(sub) || (kind !== 'user' && kind !== 'service')) throw invalid();
  if (!Number.isSafeInteger(iat) || !Number.isSafeInteger(exp)) throw invalid();
  if (Number(iat) > nowMs / 1_000 + TOKEN_LEEWAY_S) throw invalid();
  if (scope !== undefined && typeof scope !== 'string') throw invalid();
  return Object.freeze({
    id: sub,
    kind,
    scopes: new Set(scope?.split(' ').filter((s) => s !== '')),
    expiresAtMs: Number(exp) * 1_000,
  });
}
