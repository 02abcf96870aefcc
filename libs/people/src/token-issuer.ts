import { randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import { TOKEN_ALGORITHM, type SigningKeys } from './signing-keys';
import type { Principal } from './principal';

export const TOKEN_ISSUER = 'troupe';
export const TOKEN_AUDIENCE = 'troupe';
/** RFC 9068: tells an access token from any other JWT. */
export const TOKEN_TYPE = 'at+jwt';

export interface IssuedToken {
  accessToken: string;
  /** Seconds until it ends. */
  expiresInS: number;
  /** Space-separated; services only. */
  scope?: string;
}

/** Signs access tokens. */
export class TokenIssuer {
  constructor(
    private readonly keys: SigningKeys,
    private readonly ttlS: number,
    private readonly wallMs: () => number = Date.now,
  ) {}

  /** Rejects with `StoreUnavailable` while the signing key cannot be read for the first time. */
  async issue(subject: Pick<Principal, 'id' | 'kind'>, scopes?: readonly string[]): Promise<IssuedToken> {
    const { kid, privateKey } = await this.keys.pair();
    const nowS = Math.floor(this.wallMs() / 1_000);
    const scope = scopes?.join(' ');
    const accessToken = await new SignJWT({ kind: subject.kind, ...(scope === undefined ? {} : { scope }) })
      .setProtectedHeader({ alg: TOKEN_ALGORITHM, typ: TOKEN_TYPE, kid })
      .setIssuer(TOKEN_ISSUER)
      .setAudience(TOKEN_AUDIENCE)
      .setSubject(subject.id)
      .setIssuedAt(nowS)
      .setExpirationTime(nowS + this.ttlS)
      .setJti(randomUUID())
      .sign(privateKey);
    return { accessToken, expiresInS: this.ttlS, ...(scope === undefined ? {} : { scope }) };
  }
}
