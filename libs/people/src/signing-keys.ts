import type { AccountStore, SigningKey } from '@troupe/ports';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK, type KeyLike } from 'jose';

/** The one algorithm that tokens are signed with: no choice, so nothing to confuse. */
export const TOKEN_ALGORITHM = 'EdDSA';

export interface KeyPair {
  kid: string;
  privateKey: KeyLike;
  publicKey: KeyLike;
}

/**
 * The key pair that signs access tokens. It is kept in the account store, so that every pod signs with and accepts
 * the same one; read once, at first use. Rejects with `StoreUnavailable`, and tries again at the next call.
 */
export class SigningKeys {
  private loading: Promise<KeyPair> | undefined;

  constructor(private readonly accounts: Pick<AccountStore, 'signingKey'>) {}

  pair(): Promise<KeyPair> {
    if (!this.loading) {
      const loading = this.load();
      this.loading = loading;
      loading.catch(() => {
        this.loading = undefined;
      });
    }
    return this.loading;
  }

  private async load(): Promise<KeyPair> {
    const stored = await this.accounts.signingKey(createSigningKey);
    const [privateKey, publicKey] = await Promise.all([
      importJWK(jwkOf(stored.privateJwk), TOKEN_ALGORITHM),
      importJWK(jwkOf(stored.publicJwk), TOKEN_ALGORITHM),
    ]);
    // Only symmetric keys come back as bytes; one of those here would turn the public key into a shared secret.
    if (privateKey instanceof Uint8Array || publicKey instanceof Uint8Array) {
      throw new TypeError('the stored signing key is not a key pair');
    }
    return { kid: stored.kid, privateKey, publicKey };
  }
}

function jwkOf(stored: Record<string, unknown>): JWK {
  const { kty } = stored;
  if (typeof kty !== 'string') throw new TypeError('the stored signing key is not a JWK');
  return { ...stored, kty };
}

/** Makes a new Ed25519 key pair; its id is its RFC 7638 thumbprint. */
export async function createSigningKey(): Promise<SigningKey> {
  const pair = await generateKeyPair(TOKEN_ALGORITHM, { crv: 'Ed25519', extractable: true });
  const [privateJwk, publicJwk] = await Promise.all([exportJWK(pair.privateKey), exportJWK(pair.publicKey)]);
  const kid = await calculateJwkThumbprint(publicJwk);
  return { kid, privateJwk: { ...privateJwk }, publicJwk: { ...publicJwk } };
}
