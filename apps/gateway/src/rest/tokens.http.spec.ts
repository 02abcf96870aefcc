import { RestHarness, type Answer } from './testing/rest-harness';

const TOKEN = '/v1/oauth/token';
const ALICE = { id: 'alice', name: 'Alice', password: 'correct horse' };
const LOGIN = { grant_type: 'password', username: 'alice', password: 'correct horse' };

describe('registering and getting tokens', () => {
  let rest: RestHarness;
  beforeEach(async () => {
    rest = await RestHarness.open();
  });
  afterEach(() => rest.close());

  const token = (
    form: Record<string, string> | string,
    headers: Record<string, string> = {},
  ): Promise<Answer> => rest.call('POST', TOKEN, { form, headers });
  const basic = (text: string): Record<string, string> => ({
    authorization: `Basic ${Buffer.from(text).toString('base64')}`,
  });

  it('registers, logs in, and knows who is asking', async () => {
    const made = await rest.call('POST', '/v1/users', { body: ALICE });
    expect(made).toMatchObject({ status: 201, json: { id: 'alice', name: 'Alice' } });
    expect(rest.people.users.get('alice')?.passwordHash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    const got = await token(LOGIN);
    expect(got).toMatchObject({ status: 200, headers: { 'cache-control': 'no-store', pragma: 'no-cache' } });
    expect(got.json).toEqual({ access_token: expect.any(String), token_type: 'Bearer', expires_in: 600 });
    const as = (got.json as { access_token: string }).access_token;
    expect(await rest.call('GET', '/v1/me', { as })).toMatchObject({
      status: 200,
      json: { id: 'alice', name: 'Alice' },
    });
    expect(await rest.call('GET', '/v1/users/alice', { as })).toMatchObject({ status: 200 });
    expect(await rest.call('GET', '/v1/users/bob', { as })).toMatchObject({
      status: 404,
      json: { code: 'not_found' },
    });
  });

  it('refuses an id that is taken, in whatever case, also by a service', async () => {
    await rest.service('bot', ['rooms']);
    await rest.call('POST', '/v1/users', { body: ALICE });
    for (const id of ['alice', 'ALICE', 'bot']) {
      const again = await rest.call('POST', '/v1/users', { body: { ...ALICE, id } });
      expect(again).toMatchObject({ status: 409, json: { code: 'user_exists', status: 409 } });
    }
  });

  it.each([
    ['an id with a dot', { id: 'a.b' }],
    ['an id with a line break', { id: 'a\nb' }],
    ['an id of 65 characters', { id: 'a'.repeat(65) }],
    ['an empty id', { id: '' }],
    ['an id that is a number', { id: 7 }],
    ['an id that is a list', { id: ['alice'] }],
    ['a short password', { password: 'seven77' }],
    ['a password of 257 characters', { password: 'p'.repeat(257) }],
    ['a password with a lone surrogate', { password: 'password\ud800' }],
    ['an empty name', { name: '' }],
    ['a blank name', { name: '  ' }],
    ['a name with a line break', { name: 'a\r\nBcc: b' }],
    ['a name of 101 characters', { name: 'n'.repeat(101) }],
    ['a field too many', { role: 'admin' }],
    ['no password', { password: undefined }],
  ])('refuses %s', async (_, change) => {
    const answer = await rest.call('POST', '/v1/users', { body: { ...ALICE, ...change } });
    expect(answer).toMatchObject({ status: 400, json: { code: 'bad_request' } });
    expect(rest.people.users.size).toBe(0);
  });

  it('takes passwords and names at their limits, in characters and not in bytes', async () => {
    const body = { id: 'Z_-9', name: '😀'.repeat(100), password: '😀'.repeat(256) };
    expect(await rest.call('POST', '/v1/users', { body })).toMatchObject({ status: 201 });
  });

  it('says the same of a wrong password, an unknown user and an impossible name', async () => {
    await rest.call('POST', '/v1/users', { body: ALICE });
    const answers = [
      await token({ ...LOGIN, password: 'wrong horse' }),
      await token({ ...LOGIN, username: 'nobody' }),
      await token({ ...LOGIN, username: 'a.b\n\u0000' }),
    ];
    for (const { status, json, headers } of answers) {
      expect({ status, json }).toEqual({
        status: 400,
        json: { error: 'invalid_grant', error_description: 'wrong name or password' },
      });
      expect(headers['cache-control']).toBe('no-store');
    }
    expect(rest.rejected).toEqual(Array(3).fill('unauthenticated'));
  });

  it.each([
    ['no grant', {}, 'invalid_request'],
    ['an empty grant', { grant_type: '' }, 'invalid_request'],
    ['a grant that is not there yet', { grant_type: 'refresh_token' }, 'unsupported_grant_type'],
    ['a grant of its own', { grant_type: '__proto__' }, 'unsupported_grant_type'],
    ['no user', { grant_type: 'password', password: 'x' }, 'invalid_request'],
    ['no password', { grant_type: 'password', username: 'x' }, 'invalid_request'],
    ['no client', { grant_type: 'client_credentials' }, 'invalid_request'],
  ])('refuses %s in the form of OAuth', async (_, form, error) => {
    const answer = await token(form as Record<string, string>);
    expect(answer).toMatchObject({ status: 400, json: { error, error_description: expect.any(String) } });
    expect(answer.headers['content-type']).toMatch(/^application\/json/);
    expect(answer.headers['cache-control']).toBe('no-store');
  });

  it('refuses a parameter that comes twice, and JSON, and an empty body', async () => {
    const twice = await token('grant_type=password&username=alice&username=bob&password=x');
    const json = await rest.call('POST', TOKEN, { body: LOGIN });
    const empty = await rest.call('POST', TOKEN);
    for (const answer of [twice, json, empty]) {
      expect(answer).toMatchObject({ status: 400, json: { error: 'invalid_request' } });
    }
  });

  it('has the form of OAuth even for what never reached it', async () => {
    const huge = await token(`grant_type=password&username=${'x'.repeat(70_000)}`);
    expect(huge).toMatchObject({ status: 413, json: { error: 'invalid_request' } });
    const broken = await rest.call('POST', TOKEN, { raw: '{' });
    expect(broken).toMatchObject({ status: 400, json: { error: 'invalid_request' } });
    const xml = await rest.call('POST', TOKEN, { raw: '<a/>', headers: { 'content-type': 'text/xml' } });
    expect(xml).toMatchObject({ status: 415, json: { error: 'invalid_request' } });
  });

  it('ignores parameters that it does not know', async () => {
    await rest.call('POST', '/v1/users', { body: ALICE });
    expect(await token({ ...LOGIN, client_id: 'app', audience: 'x' })).toMatchObject({ status: 200 });
  });

  describe('for services', () => {
    const client = { grant_type: 'client_credentials', client_id: 'bot', client_secret: 'bot-secret' };
    beforeEach(async () => {
      await rest.service('bot', ['rooms', 'publish']);
    });

    it('takes name and secret from the form or from HTTP Basic', async () => {
      const form = await token(client);
      expect(form).toMatchObject({ status: 200, json: { scope: 'rooms publish', token_type: 'Bearer' } });
      const { grant_type } = client;
      expect(await token({ grant_type }, basic('bot:bot-secret'))).toMatchObject({ status: 200 });
      expect(await token({ grant_type }, basic('%62ot:bot%2Dsecret'))).toMatchObject({ status: 200 });
    });

    it('gives the scopes asked for, and no others', async () => {
      expect(await token({ ...client, scope: 'publish' })).toMatchObject({
        status: 200,
        json: { scope: 'publish' },
      });
      expect(await token({ ...client, scope: 'publish admin' })).toMatchObject({
        status: 400,
        json: { error: 'invalid_scope' },
      });
    });

    it('refuses a wrong secret with a challenge in the form it was tried', async () => {
      const form = await token({ ...client, client_secret: 'wrong' });
      expect(form).toMatchObject({ status: 401, json: { error: 'invalid_client' } });
      const { grant_type } = client;
      for (const pair of ['bot:wrong', 'nobody:bot-secret', 'no colon', '%zz:x', 'a.b:x']) {
        const answer = await token({ grant_type }, basic(pair));
        expect(answer).toMatchObject({ status: 401, json: { error: 'invalid_client' } });
        expect(answer.headers['www-authenticate']).toBe('Basic realm="troupe"');
        rest.nowMs += 60_000;
      }
      expect(await token({ grant_type }, { authorization: 'Bearer x' })).toMatchObject({ status: 401 });
    });

    it('refuses a client that authenticates twice', async () => {
      expect(await token(client, basic('bot:bot-secret'))).toMatchObject({
        status: 400,
        json: { error: 'invalid_request' },
      });
    });

    it('does not take a user for a service, nor the other way round', async () => {
      await rest.call('POST', '/v1/users', { body: ALICE });
      const asService = await token({ ...client, client_id: 'alice', client_secret: ALICE.password });
      expect(asService).toMatchObject({ status: 401 });
      const asUser = await token({ ...LOGIN, username: 'bot', password: 'bot-secret' });
      expect(asUser).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
      const { access_token: as } = (await token(client)).json as { access_token: string };
      expect(await rest.call('GET', '/v1/me', { as })).toMatchObject({
        status: 403,
        json: { code: 'forbidden' },
      });
    });
  });

  describe('limits', () => {
    it('stops guessing at one account from one address, and only that', async () => {
      await rest.call('POST', '/v1/users', { body: ALICE });
      for (let i = 0; i < 5; i++)
        expect((await token({ ...LOGIN, password: `guess ${i}` })).status).toBe(400);
      const sixth = await token(LOGIN);
      expect(sixth).toMatchObject({ status: 429, json: { error: 'rate_limited' } });
      expect(sixth.headers['retry-after']).toBe('12');
      expect(await token({ ...LOGIN, username: 'bob' })).toMatchObject({ status: 400 });
      const elsewhere = await rest.call('POST', TOKEN, { form: LOGIN, address: '192.0.2.7' });
      expect(elsewhere.status).toBe(200);
      rest.nowMs += 12_000;
      expect((await token(LOGIN)).status).toBe(200);
    });

    it('lets one log in often with the right password', async () => {
      await rest.call('POST', '/v1/users', { body: ALICE });
      for (let i = 0; i < 8; i++) expect((await token(LOGIN)).status).toBe(200);
    });

    it('does not believe an address that the client writes itself', async () => {
      await rest.call('POST', '/v1/users', { body: ALICE });
      for (let i = 0; i < 5; i++)
        await token({ ...LOGIN, password: 'x' }, { 'x-forwarded-for': `192.0.2.${i}` });
      expect((await token(LOGIN, { 'x-forwarded-for': '192.0.2.99' })).status).toBe(429);
    });

    it('stops registering from one address', async () => {
      await rest.close();
      rest = await RestHarness.open({ registerPerMinute: 2 });
      const register = (id: string): Promise<Answer> =>
        rest.call('POST', '/v1/users', { body: { ...ALICE, id } });
      expect((await register('a')).status).toBe(201);
      expect((await register('b')).status).toBe(201);
      const third = await register('c');
      expect(third).toMatchObject({ status: 429, json: { code: 'rate_limited' } });
      expect(third.headers['retry-after']).toBe('30');
    });

    it('refuses with 429 when too many passwords wait to be hashed', async () => {
      await rest.close();
      rest = await RestHarness.open({ argon2Concurrency: 1, argon2QueueMax: 1 });
      const answers = await Promise.all(
        Array.from({ length: 6 }, (_, i) => token({ ...LOGIN, username: `user${i}` })),
      );
      const statuses = answers.map((a) => a.status).sort();
      expect(statuses).toEqual([400, 400, 429, 429, 429, 429]);
      for (const answer of answers.filter((a) => a.status === 429)) {
        expect(answer.json).toMatchObject({ error: 'rate_limited' });
        expect(answer.headers['retry-after']).toBe('1');
      }
    });
  });
});
