import { createHmac, generateKeyPairSync, sign as signBytes } from 'node:crypto';
import { StoreUnavailable, type SigningKey } from '@troupe/ports';
import { createSigningKey, SigningKeys } from './signing-keys';
import { TokenIssuer } from './token-issuer';
import { TOKEN_LEEWAY_S, TokenVerifier } from './token-verifier';

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Goal: only tokens that we signed, for us, as access tokens, now. Method: forge each part by hand, without jose. */
describe('TokenVerifier', () => {
  let stored: SigningKey;
  let nowMs: number;
  let verifier: TokenVerifier;
  let issuer: TokenIssuer;
  let signatures: number;

  const claims = (): Record<string, unknown> => ({
    iss: 'troupe',
    aud: 'troupe',
    sub: 'alice',
    kind: 'user',
    jti: 'j1',
    iat: nowMs / 1_000,
    exp: nowMs / 1_000 + 600,
  });
  const header = (): Record<string, unknown> => ({ alg: 'EdDSA', typ: 'at+jwt', kid: stored.kid });
  /** A token with our own key's signature over whatever it says. */
  const signed = (h: Record<string, unknown>, c: unknown, jwk = stored.privateJwk): string => {
    const input = `${base64url(h)}.${base64url(c)}`;
    const signature = signBytes(null, Buffer.from(input), { key: { ...jwk }, format: 'jwk' });
    return `${input}.${signature.toString('base64url')}`;
  };

  beforeAll(async () => {
    stored = await createSigningKey();
  });

  beforeEach(() => {
    nowMs = 1_800_000_000_000;
    signatures = 0;
    const keys = new SigningKeys({ signingKey: () => Promise.resolve(stored) });
    const counting = {
      pair: () => {
        signatures++;
        return keys.pair();
      },
    } as SigningKeys;
    verifier = new TokenVerifier(counting, () => nowMs);
    issuer = new TokenIssuer(keys, 600, () => nowMs);
  });

  const refused = (token: string): Promise<void> =>
    expect(verifier.verify(token)).rejects.toMatchObject({ name: 'TroupeError', code: 'unauthenticated' });

  it('knows a user by the token that was issued', async () => {
    const { accessToken, expiresInS, scope } = await issuer.issue({ id: 'alice', kind: 'user' });
    expect(expiresInS).toBe(600);
    expect(scope).toBeUndefined();
    const principal = await verifier.verify(accessToken);
    expect(principal).toMatchObject({ id: 'alice', kind: 'user', expiresAtMs: nowMs + 600_000 });
    expect([...principal.scopes]).toEqual([]);
  });

  it('knows a service and its scopes', async () => {
    const { accessToken, scope } = await issuer.issue({ id: 'bot', kind: 'service' }, ['rooms', 'publish']);
    expect(scope).toBe('rooms publish');
    const principal = await verifier.verify(accessToken);
    expect(principal.kind).toBe('service');
    expect([...principal.scopes]).toEqual(['rooms', 'publish']);
  });

  it('takes a token made by hand in the same way, so the refusals below fail for their own reason', async () => {
    await expect(verifier.verify(signed(header(), claims()))).resolves.toMatchObject({ id: 'alice' });
  });

  const wrongClaims: [string, () => Record<string, unknown>][] = [
    ['another issuer', () => ({ iss: 'elsewhere' })],
    ['another audience', () => ({ aud: 'elsewhere' })],
    ['no audience', () => ({ aud: undefined })],
    ['no subject', () => ({ sub: undefined })],
    ['a subject that is a list', () => ({ sub: ['alice'] })],
    ['a subject that is no id', () => ({ sub: 'a.b' })],
    ['no kind', () => ({ kind: undefined })],
    ['a kind of its own', () => ({ kind: 'admin' })],
    ['no jti', () => ({ jti: undefined })],
    ['no iat', () => ({ iat: undefined })],
    ['an iat in the future', () => ({ iat: nowMs / 1_000 + TOKEN_LEEWAY_S + 1 })],
    ['no exp', () => ({ exp: undefined })],
    ['an exp that is text', () => ({ exp: String(nowMs) })],
    ['an exp of long ago', () => ({ exp: nowMs / 1_000 - 600 })],
    ['an nbf in the future', () => ({ nbf: nowMs / 1_000 + TOKEN_LEEWAY_S + 1 })],
    ['scopes that are a list', () => ({ scope: ['rooms'] })],
  ];
  it.each(wrongClaims)('refuses %s', async (_, change) => {
    await refused(signed(header(), { ...claims(), ...change() }));
  });

  it('refuses an exp beyond all numbers', async () => {
    const input = `${base64url(header())}.${Buffer.from(
      JSON.stringify(claims()).replace(/"exp":\d+/, '"exp":1e400'),
    ).toString('base64url')}`;
    const signature = signBytes(null, Buffer.from(input), {
      key: { ...stored.privateJwk },
      format: 'jwk',
    });
    await refused(`${input}.${signature.toString('base64url')}`);
  });

  const wrongHeaders: [string, () => Record<string, unknown>][] = [
    ['another typ', () => ({ typ: 'JWT' })],
    ['no typ', () => ({ typ: undefined })],
    ['a refresh token', () => ({ typ: 'rt+jwt' })],
    ['no kid', () => ({ kid: undefined })],
    ['another kid', () => ({ kid: 'other' })],
    ['a kid that is a path', () => ({ kid: '../../dev/null' })],
    ['a kid that is SQL', () => ({ kid: "' UNION SELECT '1" })],
    ['a critical extension', () => ({ crit: ['b64'], b64: false })],
    ['another algorithm', () => ({ alg: 'ES256' })],
  ];
  it.each(wrongHeaders)('refuses %s', async (_, change) => {
    await refused(signed({ ...header(), ...change() }, claims()));
  });

  it.each(['none', 'None', 'nOnE'])('refuses alg %s, with and without a signature', async (alg) => {
    const input = `${base64url({ ...header(), alg })}.${base64url(claims())}`;
    await refused(`${input}.`);
    await refused(`${input}.AAAA`);
    await refused(input);
  });

  it('refuses HS256 with the public key as the secret', async () => {
    const input = `${base64url({ ...header(), alg: 'HS256' })}.${base64url(claims())}`;
    for (const secret of [String(stored.publicJwk['x']), JSON.stringify(stored.publicJwk)]) {
      await refused(`${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`);
    }
  });

  it('refuses the signature of another key, whatever key the header brings or points to', async () => {
    const other = generateKeyPairSync('ed25519');
    const privateJwk = { ...other.privateKey.export({ format: 'jwk' }) };
    const jwk = other.publicKey.export({ format: 'jwk' });
    await refused(signed(header(), claims(), privateJwk));
    await refused(signed({ ...header(), jwk }, claims(), privateJwk));
    await refused(signed({ ...header(), jku: 'http://127.0.0.1:1/jwks' }, claims(), privateJwk));
    await refused(signed({ ...header(), x5u: 'http://127.0.0.1:1/x5u' }, claims(), privateJwk));
  });

  it('refuses a token that was changed, cut or stripped', async () => {
    const token = signed(header(), claims());
    const [h, c, s] = token.split('.') as [string, string, string];
    const forged = base64url({ ...claims(), sub: 'bob' });
    await refused(`${h}.${forged}.${s}`);
    await refused(`${h}.${c}.`);
    await refused(`${h}.${c}`);
    await refused(token.slice(0, -10));
    await refused(`${h}.${c}.${s.startsWith('A') ? 'B' : 'A'}${s.slice(1)}`);
  });

  it.each(['', ' ', 'x', 'a.b.c', 'a.b.c.d', 'a\n.b.c', '\u0000', '…', 'Bearer x.y.z'])(
    'refuses %j',
    async (text) => {
      await refused(text);
    },
  );

  it('refuses a huge text before it looks at it', async () => {
    const token = signed(header(), { ...claims(), pad: 'x'.repeat(3_000_000) });
    await refused(token);
    expect(signatures).toBe(0);
  });

  it('says so when a token has expired, from memory too, and allows for the leeway', async () => {
    const { accessToken } = await issuer.issue({ id: 'alice', kind: 'user' });
    await verifier.verify(accessToken);
    nowMs += 600_000 + TOKEN_LEEWAY_S * 1_000 - 1_000;
    await verifier.verify(accessToken);
    nowMs += 1_000;
    const expired = { code: 'unauthenticated', message: 'the token has expired' };
    await expect(verifier.verify(accessToken)).rejects.toMatchObject(expired);
    await expect(verifier.verify(accessToken)).rejects.toMatchObject(expired);
  });

  it('checks one signature for a burst with one token, and none after it', async () => {
    const { accessToken } = await issuer.issue({ id: 'alice', kind: 'user' });
    await Promise.all(Array.from({ length: 100 }, () => verifier.verify(accessToken)));
    await verifier.verify(accessToken);
    expect(signatures).toBe(1);
  });

  it('remembers no more tokens than its bound', async () => {
    const keys = new SigningKeys({ signingKey: () => Promise.resolve(stored) });
    const pairs = jest.spyOn(keys, 'pair');
    const small = new TokenVerifier(keys, () => nowMs, 2);
    const tokens = await Promise.all(
      ['a', 'b', 'c'].map(async (id) => (await issuer.issue({ id, kind: 'user' })).accessToken),
    );
    for (const token of tokens) await small.verify(token);
    expect(pairs).toHaveBeenCalledTimes(3);
    await small.verify(tokens[2] ?? '');
    expect(pairs).toHaveBeenCalledTimes(3);
    await small.verify(tokens[0] ?? '');
    expect(pairs).toHaveBeenCalledTimes(4);
  });

  it('is unavailable while the key cannot be read, and recovers', async () => {
    let down = true;
    const keys = new SigningKeys({
      signingKey: () => (down ? Promise.reject(new StoreUnavailable('down')) : Promise.resolve(stored)),
    });
    const late = new TokenVerifier(keys, () => nowMs);
    const token = signed(header(), claims());
    await expect(late.verify(token)).rejects.toMatchObject({ code: 'unavailable' });
    down = false;
    await expect(late.verify(token)).resolves.toMatchObject({ id: 'alice' });
  });
});
