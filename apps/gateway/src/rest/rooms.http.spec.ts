import { privateRoomId } from '@troupe/people';
import { RestHarness } from './testing/rest-harness';

const HIDDEN = { status: 404, json: { code: 'not_found', detail: 'no such room' } };

describe('rooms over HTTP', () => {
  let rest: RestHarness;
  let alice: string;
  let bob: string;
  let carol: string;
  let bot: string;

  beforeEach(async () => {
    rest = await RestHarness.open();
    alice = await rest.user('alice');
    bob = await rest.user('bob');
    carol = await rest.user('carol');
    bot = await rest.service('bot', ['rooms', 'publish']);
  });
  afterEach(() => rest.close());

  const create = (as: string, body: unknown) => rest.call('POST', '/v1/rooms', { as, body });
  const get = (as: string, path: string) => rest.call('GET', `/v1/rooms${path}`, { as });

  describe('private', () => {
    it('opens the same room for both, once', async () => {
      const room = privateRoomId('alice', 'bob');
      const view = {
        room,
        kind: 'private',
        title: null,
        open: false,
        durable: true,
        onOverflow: 'drop-oldest',
        role: 'member',
        head: 0,
        lastRead: 0,
        unread: 0,
        at: '2026-01-01T00:00:00.000Z',
      };
      const first = await create(alice, { kind: 'private', with: 'bob' });
      expect({ status: first.status, json: first.json }).toEqual({ status: 201, json: view });
      const second = await create(bob, { kind: 'private', with: 'alice' });
      expect({ status: second.status, json: second.json }).toEqual({ status: 200, json: view });
      // Told again by whoever asks again: the one who made it may have failed to say so.
      expect(rest.gate.announced).toEqual([
        [room, ['alice', 'bob']],
        [room, ['bob', 'alice']],
      ]);
    });

    it('is with somebody, who exists and is somebody else, and between users', async () => {
      expect(await create(alice, { kind: 'private', with: 'nobody' })).toMatchObject({ status: 404 });
      expect(await create(alice, { kind: 'private', with: 'alice' })).toMatchObject({ status: 400 });
      expect(await create(bot, { kind: 'private', with: 'alice' })).toMatchObject({ status: 403 });
      expect(rest.people.rooms.size).toBe(0);
    });

    it('cannot be taken by a group that has its id', async () => {
      const id = privateRoomId('alice', 'bob');
      expect(await create(carol, { kind: 'group', id })).toMatchObject({ status: 409 });
      expect(await create(bot, { kind: 'channel', id })).toMatchObject({ status: 409 });
      expect(await create(carol, { kind: 'group', id: 'p-team' })).toMatchObject({ status: 201 });
    });

    it('is not there for anybody else, services included', async () => {
      await create(alice, { kind: 'private', with: 'bob' });
      const room = `/${privateRoomId('alice', 'bob')}`;
      for (const as of [carol, bot]) {
        expect(await get(as, room)).toMatchObject(HIDDEN);
        expect(await get(as, `${room}/members`)).toMatchObject(HIDDEN);
        expect(await get(as, `${room}/messages`)).toMatchObject(HIDDEN);
      }
      expect(await get(bob, room)).toMatchObject({ status: 200 });
    });
  });

  describe('groups', () => {
    it('are made by a user, who owns them', async () => {
      const made = await create(alice, {
        kind: 'group',
        id: 'team',
        title: 'Team',
        members: ['bob', 'alice', 'bob'],
      });
      expect(made).toMatchObject({
        status: 201,
        json: { room: 'team', kind: 'group', title: 'Team', open: false, durable: true, role: 'owner' },
      });
      expect(rest.gate.announced).toEqual([['team', ['alice', 'bob']]]);
      expect((await get(bob, '/team/members')).json).toEqual({
        items: [
          { user: 'alice', role: 'owner' },
          { user: 'bob', role: 'member' },
        ],
        next: null,
      });
    });

    it('get an id when they bring none, and keep the settings they bring', async () => {
      const made = await create(alice, {
        kind: 'group',
        open: true,
        durable: false,
        onOverflow: 'disconnect',
      });
      expect(made).toMatchObject({
        status: 201,
        json: { room: 'generated-1', title: null, open: true, durable: false, onOverflow: 'disconnect' },
      });
    });

    it('are made by services without an owner', async () => {
      expect(await create(bot, { kind: 'group', id: 'team', members: ['bob'] })).toMatchObject({
        status: 201,
        json: { role: null },
      });
      expect(rest.gate.announced).toEqual([['team', ['bob']]]);
    });

    it('are refused with an unknown member, a taken id, or without the scope', async () => {
      await create(alice, { kind: 'group', id: 'team' });
      expect(await create(bob, { kind: 'group', id: 'team' })).toMatchObject({
        status: 409,
        json: { code: 'conflict' },
      });
      expect(await create(bob, { kind: 'group', id: 'other', members: ['nobody'] })).toMatchObject({
        status: 404,
        json: { code: 'not_found' },
      });
      const reader = await rest.service('reader', ['publish']);
      expect(await create(reader, { kind: 'group', id: 'other' })).toMatchObject({ status: 403 });
      expect([...rest.people.rooms.keys()]).toEqual(['team']);
    });

    it('are hidden from strangers while closed, and seen while open', async () => {
      await create(alice, { kind: 'group', id: 'closed' });
      await create(alice, { kind: 'group', id: 'lobby', open: true });
      for (const path of ['/closed', '/closed/members', '/closed/messages', '/none', '/none/members']) {
        expect(await get(bob, path)).toMatchObject(HIDDEN);
      }
      expect(await get(bob, '/lobby')).toMatchObject({ status: 200, json: { role: null } });
      expect(await get(bot, '/closed')).toMatchObject({ status: 200, json: { role: null } });
      const publisher = await rest.service('publisher', ['publish']);
      expect(await get(publisher, '/closed')).toMatchObject(HIDDEN);
    });
  });

  describe('channels', () => {
    it('are made by services with the scope, not durable unless they say so', async () => {
      expect(await create(alice, { kind: 'channel', id: 'news' })).toMatchObject({
        status: 403,
        json: { code: 'forbidden' },
      });
      expect(await create(bot, { kind: 'channel', id: 'news' })).toMatchObject({
        status: 201,
        json: { kind: 'channel', durable: false, role: null },
      });
      expect(await create(bot, { kind: 'channel', id: 'log', durable: true })).toMatchObject({
        json: { durable: true },
      });
    });

    it('are known to all, but those with members to these alone', async () => {
      await create(bot, { kind: 'channel', id: 'news' });
      await create(bot, { kind: 'channel', id: 'staff', members: ['alice'] });
      expect(await get(bob, '/news')).toMatchObject({ status: 200 });
      expect(await get(alice, '/staff')).toMatchObject({ status: 200, json: { role: 'member' } });
      expect(await get(bob, '/staff')).toMatchObject(HIDDEN);
    });
  });

  it.each([
    ['no kind', {}],
    ['a kind of its own', { kind: 'constructor' }],
    ['a private room with a title', { kind: 'private', with: 'bob', title: 'x' }],
    ['a private room with a list', { kind: 'private', with: ['bob'] }],
    ['a group with an owner', { kind: 'group', owner: 'bob' }],
    ['an id with a wildcard', { kind: 'group', id: '*' }],
    ['an id with a space', { kind: 'group', id: 'a b' }],
    ['an id with a dot', { kind: 'group', id: 'a.b' }],
    ['an id that is a subject wildcard', { kind: 'group', id: '>' }],
    ['an id with a line break', { kind: 'group', id: 'a\r\nPUB x 2' }],
    ['an empty title', { kind: 'group', title: '' }],
    ['a member that is no id', { kind: 'group', members: ['a.b'] }],
    ['too many members', { kind: 'group', members: Array.from({ length: 501 }, (_, i) => `u${i}`) }],
    ['a switch that is text', { kind: 'group', open: 'true' }],
    ['an overflow of its own', { kind: 'group', onOverflow: 'drop-newest' }],
    ['a list', []],
    ['null', null],
  ])('refuses %s', async (_, body) => {
    expect(await create(alice, body)).toMatchObject({ status: 400, json: { code: 'bad_request' } });
    expect(rest.people.rooms.size).toBe(0);
  });

  it('lists mine in pages', async () => {
    for (const id of ['c', 'a', 'e', 'b', 'd']) await create(alice, { kind: 'group', id });
    await create(bob, { kind: 'group', id: 'bobs', open: true });
    const ids = (json: unknown): string[] => (json as { items: { room: string }[] }).items.map((i) => i.room);
    const first = await get(alice, '?limit=2');
    expect(first.json).toMatchObject({ next: 'b' });
    expect(ids(first.json)).toEqual(['a', 'b']);
    const last = await get(alice, '?limit=3&after=b');
    expect(last.json).toMatchObject({ next: null });
    expect(ids(last.json)).toEqual(['c', 'd', 'e']);
    expect((await get(carol, '')).json).toEqual({ items: [], next: null });
    expect((await get(bot, '')).status).toBe(403);
  });

  it.each([
    'limit=0',
    'limit=-1',
    'limit=1.5',
    'limit=ten',
    'limit=',
    'limit=1&limit=2',
    'limit[]=1',
    'limit=1e2',
  ])('refuses a page with ?%s', async (query) => {
    for (const path of ['', '/x/members', '/x/messages']) {
      expect(await get(alice, `${path}?${query}`)).toMatchObject({
        status: 400,
        json: { code: 'bad_request' },
      });
    }
  });

  it.each(['after=a.b', 'after=', 'after=a&after=b', 'sort=id', '__proto__=x', 'constructor=x'])(
    'refuses a page of rooms with ?%s',
    async (query) => {
      expect(await get(alice, `?${query}`)).toMatchObject({ status: 400, json: { code: 'bad_request' } });
    },
  );

  it('clamps a page that is too large', async () => {
    for (let i = 0; i < 203; i++) {
      await rest.people.create({
        room: `r${String(i).padStart(3, '0')}`,
        kind: 'group',
        title: null,
        open: false,
        durable: true,
        onOverflow: 'drop-oldest',
        members: [{ user: 'alice', role: 'member' }],
      });
    }
    const page = (await get(alice, '?limit=9007199254740991')).json as { items: unknown[]; next: string };
    expect(page.items).toHaveLength(200);
    expect(page.next).toBe('r199');
  });

  it.each(['a.b', '*', '%3E', 'a%20b', 'a%0D%0APUB%20x', '%00', '..%2fx', '%252e', 'a'.repeat(65)])(
    'refuses the room id %s in a path',
    async (id) => {
      for (const path of [`/${id}`, `/${id}/members`, `/${id}/messages`, `/lobby/members/${id}`]) {
        const method = path.startsWith('/lobby') ? 'PUT' : 'GET';
        const answer = await rest.call(method, `/v1/rooms${path}`, { as: alice });
        expect(answer).toMatchObject({ status: 400, json: { code: 'bad_request' } });
      }
      const sent = await rest.call('POST', `/v1/rooms/${id}/messages`, { as: alice, body: { text: 'x' } });
      expect(sent.status).toBe(400);
      expect(rest.gate.published).toEqual([]);
      expect(rest.gate.changes).toEqual([]);
    },
  );

  it('says who is online', async () => {
    const ask = (query: string) => rest.call('GET', `/v1/presence?${query}`, { as: alice });
    expect(await ask('users=bob,alice,bob')).toMatchObject({
      status: 200,
      json: [
        { user: 'bob', status: 'offline', lastSeen: null, sessions: 0 },
        { user: 'alice', status: 'offline', lastSeen: null, sessions: 0 },
      ],
    });
    const many = Array.from({ length: 201 }, (_, i) => `u${i}`).join(',');
    for (const query of [
      '',
      'users=',
      'users=a,,b',
      'users=a.b',
      'users=*',
      'users=a&users=b',
      `users=${many}`,
    ]) {
      expect(await ask(query)).toMatchObject({ status: 400, json: { code: 'bad_request' } });
    }
  });
});
