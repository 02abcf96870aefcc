import { RestHarness, type Answer } from './testing/rest-harness';

const HIDDEN = { status: 404, json: { code: 'not_found', detail: 'no such room' } };

describe('messages and members over HTTP', () => {
  let rest: RestHarness;
  let alice: string;
  let bob: string;
  let bot: string;

  beforeEach(async () => {
    rest = await RestHarness.open();
    alice = await rest.user('alice');
    bob = await rest.user('bob');
    bot = await rest.service('bot', ['rooms', 'publish']);
    for (const room of ['team', 'lobby']) {
      await rest.people.create({
        room,
        kind: 'group',
        title: null,
        open: room === 'lobby',
        durable: true,
        onOverflow: 'drop-oldest',
        members: [{ user: 'alice', role: 'owner' }],
      });
    }
  });
  afterEach(() => rest.close());

  const send = (as: string, body: unknown, room = 'team'): Promise<Answer> =>
    rest.call('POST', `/v1/rooms/${room}/messages`, { as, body });
  const history = (query = '', as = alice): Promise<Answer> =>
    rest.call('GET', `/v1/rooms/team/messages${query}`, { as });

  describe('publishing', () => {
    it('goes through the gate and gives the message back', async () => {
      const answer = await send(alice, { text: 'hi', data: { a: [1] }, clientId: 'c1' });
      expect({ status: answer.status, json: answer.json }).toEqual({
        status: 201,
        json: {
          room: 'team',
          seq: 1,
          id: 'message-1',
          from: 'alice',
          text: 'hi',
          at: '2026-01-01T00:00:00.000Z',
          data: { a: [1] },
          clientId: 'c1',
        },
      });
      expect(rest.gate.published).toEqual([
        { room: 'team', from: 'alice', text: 'hi', data: { a: [1] }, clientId: 'c1' },
      ]);
    });

    it('answers a repeat with the first message, whatever the repeat says', async () => {
      const first = await send(alice, { text: 'first', clientId: 'c1' });
      const again = await send(alice, { text: 'second', clientId: 'c1' });
      expect(again.status).toBe(200);
      expect(again.json).toEqual(first.json);
    });

    it('marks what a service sends, and needs its scope', async () => {
      expect(await send(bot, { text: 'hi' })).toMatchObject({ status: 201, json: { from: 'bot' } });
      expect(rest.gate.published).toEqual([{ room: 'team', from: 'bot', service: true, text: 'hi' }]);
      const mute = await rest.service('mute', ['rooms']);
      expect(await send(mute, { text: 'hi' })).toMatchObject({ status: 403, json: { code: 'forbidden' } });
      expect(rest.gate.published).toHaveLength(1);
    });

    it.each([
      ['not_member', 404, 'team'],
      ['forbidden', 404, 'team'],
      ['not_found', 404, 'team'],
      ['not_member', 403, 'lobby'],
      ['forbidden', 403, 'lobby'],
    ] as const)("maps the actor's %s to %i for a stranger to %s", async (code, status, room) => {
      rest.gate.refuseWith = code;
      const answer = await send(bob, { text: 'hi' }, room);
      expect(answer).toMatchObject(status === 404 ? HIDDEN : { status, json: { code } });
    });

    it('says of a hidden room exactly what it says of none', async () => {
      rest.gate.refuseWith = 'not_member';
      const hidden = await send(bob, { text: 'hi' });
      const none = await send(bob, { text: 'hi' }, 'none');
      expect(hidden.text).toBe(none.text);
    });

    it.each([
      ['room_busy', 503],
      ['unavailable', 503],
      ['rate_limited', 429],
      ['blocked', 403],
      ['forbidden', 403],
      ['too_large', 413],
    ] as const)("passes the actor's %s on as %i", async (code, status) => {
      rest.gate.refuseWith = code;
      const answer = await send(alice, { text: 'hi' });
      expect(answer).toMatchObject({ status, json: { code, status } });
      expect(answer.headers['retry-after']).toBe(status === 503 ? '1' : undefined);
      expect(rest.rejected).toEqual([code]);
    });

    it.each([
      ['no text', {}],
      ['text that is a number', { text: 1 }],
      ['text that is a list', { text: ['a'] }],
      ['4,001 characters', { text: 'x'.repeat(4_001) }],
      ['NUL', { text: 'a\u0000b' }],
      ['a lone surrogate', { text: '\ud800' }],
      ['data that is a list', { text: 'a', data: [1] }],
      ['data with a lone surrogate', { text: 'a', data: { a: '\udfff' } }],
      ['an empty clientId', { text: 'a', clientId: '' }],
      ['a long clientId', { text: 'a', clientId: 'c'.repeat(65) }],
      ['somebody else as the sender', { text: 'a', from: 'bob' }],
      ['another room', { text: 'a', room: 'lobby' }],
      ['a seq', { text: 'a', seq: 7 }],
    ])('refuses %s', async (_, body) => {
      expect(await send(alice, body)).toMatchObject({ status: 400, json: { code: 'bad_request' } });
      expect(rest.gate.published).toEqual([]);
    });

    it('refuses data that is deep, without falling over it', async () => {
      const raw = `{"text":"a","data":{"a":${'['.repeat(9_000)}${']'.repeat(9_000)}}}`;
      const answer = await rest.call('POST', '/v1/rooms/team/messages', { as: alice, raw });
      expect(answer).toMatchObject({ status: 400, json: { code: 'bad_request' } });
      expect(rest.gate.published).toEqual([]);
    });

    it.each(['e\u0301', '\u202eevil', '\u200b', '😀'.repeat(4_000), '<script>', 'a\r\nb', ''])(
      'takes the text %j as it is',
      async (text) => {
        expect((await send(alice, { text })).json).toMatchObject({ text });
      },
    );
  });

  describe('history', () => {
    beforeEach(async () => {
      for (let i = 1; i <= 60; i++) await send(alice, { text: `m${i}` });
    });
    const seqs = ({ json }: Answer): number[] =>
      (json as { messages: { seq: number }[] }).messages.map((m) => m.seq);
    const run = (from: number, to: number): number[] =>
      Array.from({ length: to - from + 1 }, (_, i) => from + i);

    it('gives the newest page, oldest first', async () => {
      const page = await history();
      expect(page).toMatchObject({ status: 200, json: { more: true } });
      expect(seqs(page)).toEqual(run(11, 60));
    });

    it('goes back and forth by seq', async () => {
      expect(seqs(await history('?before=11'))).toEqual(run(1, 10));
      expect((await history('?before=11')).json).toMatchObject({ more: false });
      expect(seqs(await history('?after=0&limit=3'))).toEqual([1, 2, 3]);
      expect(seqs(await history('?after=60'))).toEqual([]);
      expect(seqs(await history('?limit=1000000'))).toEqual(run(1, 60));
    });

    it.each([
      'before=-1',
      'before=1.5',
      'before=1e9',
      'before=x',
      'after=99999999999999999',
      'before=9&after=1',
      'x=1',
    ])('refuses ?%s', async (query) => {
      expect(await history(`?${query}`)).toMatchObject({ status: 400, json: { code: 'bad_request' } });
    });

    it('is for who may read the room', async () => {
      expect(await history('', bob)).toMatchObject(HIDDEN);
      expect((await history('', bot)).status).toBe(200);
    });
  });

  describe('members', () => {
    const put = (as: string, user: string, body?: unknown, room = 'team'): Promise<Answer> =>
      rest.call('PUT', `/v1/rooms/${room}/members/${user}`, { as, ...(body === undefined ? {} : { body }) });
    const remove = (as: string, user: string, room = 'team'): Promise<Answer> =>
      rest.call('DELETE', `/v1/rooms/${room}/members/${user}`, { as });

    it('are added with or without a role, through the gate', async () => {
      expect(await put(alice, 'bob')).toMatchObject({ status: 200, json: { user: 'bob', role: 'member' } });
      expect(await put(alice, 'bob', { role: 'admin' })).toMatchObject({
        status: 200,
        json: { role: 'admin' },
      });
      expect(await put(alice, 'bob', {})).toMatchObject({ status: 200, json: { role: 'admin' } });
      expect(rest.gate.changes).toEqual([
        { room: 'team', user: 'bob', by: 'alice', change: 'join' },
        { room: 'team', user: 'bob', by: 'alice', change: 'join', role: 'admin' },
        { room: 'team', user: 'bob', by: 'alice', change: 'join' },
      ]);
    });

    it('join an open group by themselves, and leave', async () => {
      expect((await put(bob, 'bob', undefined, 'lobby')).status).toBe(200);
      const left = await remove(bob, 'bob', 'lobby');
      expect({ status: left.status, text: left.text }).toEqual({ status: 204, text: '' });
      expect(rest.gate.changes).toEqual([
        { room: 'lobby', user: 'bob', by: 'bob', change: 'join' },
        { room: 'lobby', user: 'bob', by: 'bob', change: 'leave' },
      ]);
    });

    it('are changed by services with the scope', async () => {
      await put(bot, 'bob');
      expect(rest.gate.changes).toEqual([
        { room: 'team', user: 'bob', by: 'bot', change: 'join', service: true },
      ]);
      const publisher = await rest.service('publisher', ['publish']);
      expect((await put(publisher, 'bob')).status).toBe(403);
      expect((await remove(publisher, 'bob')).status).toBe(403);
    });

    it('must exist, have a known role, and come with nothing else', async () => {
      expect(await put(alice, 'nobody')).toMatchObject({ status: 404, json: { detail: 'no such user' } });
      for (const body of [{ role: 'king' }, { role: ['admin'] }, { admin: true }, [], 'admin']) {
        expect(await put(alice, 'bob', body)).toMatchObject({ status: 400, json: { code: 'bad_request' } });
      }
      expect(rest.gate.changes).toEqual([]);
    });

    it('are hidden with their room', async () => {
      expect(await put(bob, 'bob')).toMatchObject(HIDDEN);
      expect(await put(bob, 'nobody')).toMatchObject(HIDDEN);
      for (const code of ['not_found', 'forbidden', 'not_member'] as const) {
        rest.gate.refuseWith = code;
        expect(await remove(bob, 'alice')).toMatchObject(HIDDEN);
      }
    });

    it('are refused as the actor says, to who may know the room', async () => {
      rest.gate.refuseWith = 'forbidden';
      expect(await put(alice, 'bob')).toMatchObject({ status: 403, json: { code: 'forbidden' } });
      rest.gate.refuseWith = 'not_found';
      expect(await remove(alice, 'bob')).toMatchObject({ status: 404, json: { code: 'not_found' } });
    });
  });
});
