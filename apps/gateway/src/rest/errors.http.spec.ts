import { connect } from 'node:net';
import { BusUnavailable, StoreUnavailable } from '@troupe/ports';
import { RestHarness, type Answer } from './testing/rest-harness';

describe('errors over HTTP', () => {
  let rest: RestHarness;
  let alice: string;

  beforeEach(async () => {
    rest = await RestHarness.open();
    alice = await rest.user('alice');
  });
  afterEach(() => rest.close());

  const expectProblem = (answer: Answer, status: number, code: string): void => {
    expect(answer.json).toEqual({
      type: `urn:troupe:error:${code}`,
      title: expect.any(String),
      status,
      detail: expect.any(String),
      code,
    });
    expect(answer.status).toBe(status);
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(answer.headers['x-content-type-options']).toBe('nosniff');
    expect(rest.rejected.at(-1)).toBe(code);
    expect(answer.text).not.toMatch(/\bat .*:\d+:\d+|node_modules|127\.0\.0\.1|FST_ERR/);
  };
  const post = (raw: string | Buffer, headers: Record<string, string> = {}): Promise<Answer> =>
    rest.call('POST', '/v1/rooms', { as: alice, raw, headers });

  it.each([
    ['GET', '/nothing'],
    ['GET', '/v1/nothing?token=secret'],
    ['PATCH', '/v1/rooms'],
    ['GET', '//v1/me'],
    ['GET', '/v1/me/'],
    ['GET', '/V1/me'],
    ['GET', '/v1/rooms//members'],
  ])('has nothing at %s %s', async (method, url) => {
    const answer = await rest.call(method, url, { as: alice });
    expectProblem(answer, 404, 'not_found');
    expect(answer.text).not.toContain('secret');
  });

  it('does not take another method from a header', async () => {
    const headers = { 'x-http-method-override': 'DELETE', 'x-original-url': '/v1/me' };
    expectProblem(
      await rest.call('POST', '/v1/rooms/x/members/alice', { as: alice, headers }),
      404,
      'not_found',
    );
    expect(rest.gate.changes).toEqual([]);
  });

  it.each(['{bad', 'nul', 'NaN', '{"a":1,}', '{} {}', '\ufeff', ' ', '{"kind":"group"', '[1'])(
    'refuses the body %j',
    async (body) => {
      expectProblem(await post(body), 400, 'bad_request');
    },
  );

  it('refuses a body that is not UTF-8, rather than change it', async () => {
    const body = Buffer.concat([
      Buffer.from('{"kind":"group","title":"'),
      Buffer.from([0xff]),
      Buffer.from('"}'),
    ]);
    expectProblem(await post(body), 400, 'bad_request');
  });

  it('refuses an empty body, and none', async () => {
    expectProblem(await post(''), 400, 'bad_request');
    expectProblem(await rest.call('POST', '/v1/rooms', { as: alice }), 400, 'bad_request');
  });

  it.each([
    '{"kind":"group","__proto__":{"admin":true}}',
    '{"kind":"group","constructor":{"prototype":{"admin":true}}}',
    '{"__proto__":{"kind":"group"}}',
  ])('refuses the poison %s', async (body) => {
    expectProblem(await post(body), 400, 'bad_request');
    expect(({} as { admin?: unknown }).admin).toBeUndefined();
  });

  it('refuses poison inside of data', async () => {
    const raw = '{"text":"a","data":{"x":{"__proto__":{"admin":true}}}}';
    expectProblem(await rest.call('POST', '/v1/rooms/x/messages', { as: alice, raw }), 400, 'bad_request');
  });

  it('refuses a body that is too large', async () => {
    expectProblem(await post(`{"kind":"group","title":"${'x'.repeat(70_000)}"}`), 413, 'too_large');
    expectProblem(await post(' '.repeat(1_048_577)), 413, 'too_large');
  });

  it('takes nothing that compression hides', async () => {
    expect((await post(Buffer.from([0x1f, 0x8b, 8, 0]), { 'content-encoding': 'gzip' })).status).toBe(400);
  });

  it.each([
    'text/plain',
    'text/html',
    'application/xml',
    'multipart/form-data; boundary=x',
    'application/jsonx',
  ])('refuses the media type %s', async (type) => {
    expectProblem(await post('{"kind":"group"}', { 'content-type': type }), 415, 'bad_request');
  });

  it('takes forms at the token endpoint alone', async () => {
    const form = { kind: 'group' };
    expectProblem(await rest.call('POST', '/v1/rooms', { as: alice, form }), 415, 'bad_request');
    expectProblem(await rest.call('POST', '/v1/users', { form }), 415, 'bad_request');
    expect(rest.people.rooms.size).toBe(0);
  });

  it('refuses an address that cannot be decoded or is too long', async () => {
    expectProblem(await rest.call('GET', '/v1/rooms/%zz', { as: alice }), 400, 'bad_request');
    expectProblem(await rest.call('GET', '/v1/rooms/%ff', { as: alice }), 400, 'bad_request');
    expectProblem(await rest.call('GET', `/v1/rooms/${'x'.repeat(201)}`, { as: alice }), 414, 'bad_request');
  });

  it('is unavailable while the store or the bus is, and recovers', async () => {
    for (const fault of [
      new StoreUnavailable('connect ECONNREFUSED 127.0.0.1:5432'),
      new BusUnavailable('nats'),
    ]) {
      rest.people.fault = fault;
      const answer = await rest.call('GET', '/v1/me', { as: alice });
      expectProblem(answer, 503, 'unavailable');
      expect(answer.headers['retry-after']).toBe('1');
      const token = await rest.call('POST', '/v1/oauth/token', {
        form: { grant_type: 'password', username: 'alice', password: 'x' },
      });
      expect(token).toMatchObject({ status: 503, json: { error: 'temporarily_unavailable' } });
    }
    rest.people.fault = undefined;
    expect((await rest.call('GET', '/v1/me', { as: alice })).status).toBe(200);
  });

  it('logs what nobody foresaw, and tells the caller nothing of it', async () => {
    rest.people.fault = new Error('column "secret" of db.internal');
    expectProblem(await rest.call('GET', '/v1/users/alice', { as: alice }), 500, 'internal');
    expect(rest.logged).toHaveLength(1);
    expect(rest.logged[0]).toContain('GET /v1/users/:id');
    expect(rest.logged[0]).toContain('column "secret"');
    rest.people.fault = new Error('again');
    const token = await rest.call('POST', '/v1/oauth/token', {
      form: { grant_type: 'password', username: 'alice', password: 'hunter22' },
    });
    expect(token).toMatchObject({ status: 500, json: { error: 'server_error' } });
    expect(rest.logged.join()).not.toContain('hunter22');
    expect(rest.logged.join()).not.toContain(alice);
  });

  it('does not log what it foresaw', async () => {
    await rest.call('GET', '/nothing');
    await post('{');
    expect(rest.logged).toEqual([]);
  });

  it('echoes a request id that is one, and makes one otherwise', async () => {
    const ask = async (id?: string): Promise<unknown> => {
      const answer = await rest.call(
        'GET',
        '/nothing',
        id === undefined ? {} : { headers: { 'x-request-id': id } },
      );
      return answer.headers['x-request-id'];
    };
    expect(await ask('req-1234')).toBe('req-1234');
    for (const id of [undefined, 'short', 'a b c d e f', 'x'.repeat(65), 'é'.repeat(8)]) {
      expect(await ask(id)).toMatch(/^[0-9a-f-]{36}$/);
    }
  });

  it('says on everything that it is not to be sniffed or stored, and not what it is made with', async () => {
    for (const url of ['/v1/me', '/v1/nothing', '/v1/rooms/%zz']) {
      const { headers } = await rest.call('GET', url, { as: alice });
      expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' });
      expect(headers['x-powered-by']).toBeUndefined();
      expect(headers['server']).toBeUndefined();
    }
  });

  describe('on a real socket', () => {
    const talk = (port: number, text: string): Promise<string> =>
      new Promise((resolve, reject) => {
        let received = '';
        const socket = connect(port, '127.0.0.1', () => socket.write(text));
        socket.on('data', (bytes) => (received += bytes.toString()));
        socket.on('close', () => resolve(received));
        socket.on('error', reject);
      });

    it.each([
      ['garbage', 'garbage\r\n\r\n', 400],
      ['headers beyond all measure', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(17_000)}\r\n\r\n`, 431],
      [
        'two lengths',
        'POST /v1/users HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
        400,
      ],
    ])('answers %s and hangs up', async (_, text, status) => {
      const answer = await talk(await rest.listen(), text);
      const [head, body] = answer.split('\r\n\r\n');
      expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
      expect(head).toMatch(/content-type: application\/problem\+json/i);
      expect(JSON.parse(body ?? '')).toMatchObject({ status });
      expect(rest.rejected).toHaveLength(1);
    });

    it('closes in good time though a client keeps its connection open', async () => {
      const port = await rest.listen();
      const socket = connect(port, '127.0.0.1');
      await new Promise((resolve) => {
        socket.once('data', resolve);
        socket.write('GET /v1/me HTTP/1.1\r\nHost: x\r\n\r\n');
      });
      const closed = new Promise((resolve) => socket.once('close', resolve));
      await rest.close();
      await closed;
      rest = await RestHarness.open();
    });
  });
});
