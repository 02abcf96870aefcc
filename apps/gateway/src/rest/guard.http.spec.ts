import { generateKeyPairSync, sign as signBytes } from 'node:crypto';
import { createSigningKey } from '@troupe/people';
import { RestHarness } from './testing/rest-harness';

const ROUTES: [method: string, url: string][] = [
  ['GET', '/v1/me'],
  ['GET', '/v1/users/alice'],
  ['POST', '/v1/rooms'],
  ['GET', '/v1/rooms'],
  ['GET', '/v1/rooms/lobby'],
  ['GET', '/v1/rooms/lobby/members'],
  ['PUT', '/v1/rooms/lobby/members/alice'],
  ['DELETE', '/v1/rooms/lobby/members/alice'],
  ['POST', '/v1/rooms/lobby/messages'],
  ['GET', '/v1/rooms/lobby/messages'],
  ['GET', '/v1/presence?users=alice'],
];

/** Goal: no route but registering and the token endpoint does anything without a valid token. */
describe('every other route', () => {
  let rest: RestHarness;
  let forge: (change: { header?: object; claims?: object; foreign?: boolean }) => string;
  let good: string;

  beforeAll(async () => {
    rest = await RestHarness.open();
    good = await rest.user('alice');
    const stored = await rest.people.signingKey(createSigningKey);
    const foreignJwk = { ...generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }) };
    const part = (index: number): object =>
      JSON.parse(Buffer.from(good.split('.')[index] ?? '', 'base64url').toString()) as object;
    const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    forge = ({ header, claims, foreign }) => {
      const input = `${encode({ ...part(0), ...header })}.${encode({ ...part(1), ...claims })}`;
      const key = { key: foreign ? foreignJwk : { ...stored.privateJwk }, format: 'jwk' as const };
      return `${input}.${signBytes(null, Buffer.from(input), key).toString('base64url')}`;
    };
  });
  afterAll(() => rest.close());

  const tokens: [name: string, make: () => string | undefined][] = [
    ['no token', () => undefined],
    ['an expired token', () => forge({ claims: { exp: Math.floor(Date.now() / 1_000) - 600 } })],
    ['a token for somebody else', () => forge({ claims: { aud: 'elsewhere' } })],
    ['a token of another issuer', () => forge({ claims: { iss: 'elsewhere' } })],
    ['a token of another type', () => forge({ header: { typ: 'JWT' } })],
    ['a token with alg none', () => forge({ header: { alg: 'none' } })],
    ['a token of another key', () => forge({ foreign: true })],
    ['a token with a forged kid', () => forge({ header: { kid: '../key' } })],
    ['a token of 12,000 characters', () => forge({ claims: { pad: 'x'.repeat(9_000) } })],
    ['a token that is none', () => 'x'],
  ];

  it('takes a token that is right, or the tables below would prove nothing', async () => {
    expect((await rest.call('GET', '/v1/me', { as: forge({}) })).status).toBe(200);
  });

  describe.each(ROUTES)('%s %s', (method, url) => {
    it.each(tokens)('refuses %s', async (_, make) => {
      const as = make();
      const answer = await rest.call(method, url, as === undefined ? {} : { as });
      expect(answer).toMatchObject({ status: 401, json: { code: 'unauthenticated', status: 401 } });
      expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
      expect(answer.headers['www-authenticate']).toBe(
        as === undefined ? 'Bearer' : 'Bearer error="invalid_token"',
      );
    });

    it('does not look for a token anywhere but in the header', async () => {
      const inQuery = `${url}${url.includes('?') ? '&' : '?'}access_token=${good}`;
      expect((await rest.call(method, inQuery)).status).toBe(401);
      expect((await rest.call(method, url, { headers: { cookie: `token=${good}` } })).status).toBe(401);
      expect((await rest.call(method, url, { headers: { authorization: good } })).status).toBe(401);
      expect((await rest.call(method, url, { headers: { authorization: `Basic ${good}` } })).status).toBe(
        401,
      );
    });
  });

  it('has done nothing', () => {
    expect(rest.gate.published).toEqual([]);
    expect(rest.gate.changes).toEqual([]);
    expect(rest.people.rooms.size).toBe(0);
  });

  it('knows no token of an account that is gone', async () => {
    const as = await rest.user('ghost');
    rest.people.users.delete('ghost');
    expect((await rest.call('GET', '/v1/me', { as })).status).toBe(401);
  });
});
