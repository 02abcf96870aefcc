import { openPostgres, seedDatabase, type Database } from '@troupe/adapters-postgres';
import { PasswordHasher, privateRoomId } from '@troupe/people';
import { createDatabase } from '@troupe/testing';
import { RestHarness, type Answer } from './testing/rest-harness';

const PASSWORD = 'correct horse';

/** Goal: the routes and the SQL mean the same. Method: the routes over a real Postgres, without an actor. */
describe('the HTTP API over Postgres', () => {
  let database: Database;
  let rest: RestHarness;

  beforeAll(async () => {
    const url = await createDatabase(process.env['TEST_DATABASE_URL'] ?? '');
    database = await openPostgres({ url, poolMax: 4, timeoutMs: 5_000 });
    await database.migrate();
    rest = await RestHarness.open({}, database);
  }, 60_000);
  afterAll(async () => {
    await rest.close();
    await database.close();
  });

  const logIn = async (username: string, at = rest, password = PASSWORD): Promise<string> => {
    const form = { grant_type: 'password', username, password };
    const { json } = await at.call('POST', '/v1/oauth/token', { form });
    return (json as { access_token: string }).access_token;
  };
  const register = (id: string): Promise<Answer> =>
    rest.call('POST', '/v1/users', { body: { id, name: `${id} \u{1F600}`, password: PASSWORD } });

  it('registers, logs in, opens rooms, lists and reads them', async () => {
    for (const id of ['alice', 'bob', 'carol']) expect((await register(id)).status).toBe(201);
    expect((await register('alice')).json).toMatchObject({ code: 'user_exists' });
    expect((await register('ALICE')).json).toMatchObject({ code: 'user_exists' });
    const [alice, bob, carol] = [await logIn('alice'), await logIn('bob'), await logIn('carol')];
    expect((await rest.call('GET', '/v1/me', { as: alice })).json).toEqual({ id: 'alice', name: 'alice 😀' });

    const wish = { kind: 'private', with: 'bob' };
    const first = await rest.call('POST', '/v1/rooms', { as: alice, body: wish });
    const again = await rest.call('POST', '/v1/rooms', { as: bob, body: { ...wish, with: 'alice' } });
    expect([first.status, again.status]).toEqual([201, 200]);
    expect(first.json).toEqual({
      room: privateRoomId('alice', 'bob'),
      kind: 'private',
      title: null,
      open: false,
      durable: true,
      onOverflow: 'drop-oldest',
      role: 'member',
      head: 0,
      lastRead: 0,
      unread: 0,
      at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    });
    expect(again.json).toEqual(first.json);

    const group = {
      kind: 'group',
      id: 'team',
      title: 'Our team',
      members: ['bob'],
      onOverflow: 'disconnect',
    };
    const made = await rest.call('POST', '/v1/rooms', { as: alice, body: group });
    expect(made.json).toMatchObject({ role: 'owner', title: 'Our team', onOverflow: 'disconnect' });
    expect((await rest.call('POST', '/v1/rooms', { as: carol, body: group })).json).toMatchObject({
      code: 'conflict',
    });
    const strange = { kind: 'group', members: ['nobody'] };
    expect((await rest.call('POST', '/v1/rooms', { as: carol, body: strange })).status).toBe(404);

    const page = await rest.call('GET', '/v1/rooms?limit=1', { as: bob });
    const { items, next } = page.json as { items: { room: string }[]; next: string };
    const rest2 = await rest.call('GET', `/v1/rooms?limit=1&after=${next}`, { as: bob });
    const second = rest2.json as { items: { room: string }[]; next: null };
    expect(second.next).toBeNull();
    expect([...items, ...second.items].map((i) => i.room).sort()).toEqual([
      privateRoomId('alice', 'bob'),
      'team',
    ]);

    expect((await rest.call('GET', '/v1/rooms/team/members', { as: bob })).json).toEqual({
      items: [
        { user: 'alice', role: 'owner' },
        { user: 'bob', role: 'member' },
      ],
      next: null,
    });
    expect((await rest.call('GET', '/v1/rooms/team/messages', { as: bob })).json).toEqual({
      messages: [],
      more: false,
    });
    expect((await rest.call('GET', '/v1/rooms/team', { as: carol })).status).toBe(404);
  });

  it('knows the demo users, their lobby and the demo service', async () => {
    const hasher = new PasswordHasher({ concurrency: 1, queueMax: 1 });
    await seedDatabase(database, { hashPassword: (password) => hasher.hash(password) });
    const form = {
      grant_type: 'client_credentials',
      client_id: 'demo-service',
      client_secret: 'demo-secret',
    };
    const granted = (await rest.call('POST', '/v1/oauth/token', { form })).json;
    const { scope, access_token: as } = granted as { scope: string; access_token: string };
    expect(scope.split(' ')).toEqual(expect.arrayContaining(['rooms', 'publish']));
    const channel = { kind: 'channel', id: 'news', title: 'News' };
    expect((await rest.call('POST', '/v1/rooms', { as, body: channel })).json).toMatchObject({
      kind: 'channel',
      durable: false,
      role: null,
    });
    const charlie = await logIn('charlie', rest, 'password');
    expect((await rest.call('GET', '/v1/rooms/news', { as: charlie })).status).toBe(200);
    expect((await rest.call('GET', '/v1/rooms/lobby', { as: charlie })).json).toMatchObject({
      open: true,
      role: 'member',
      head: 3,
      lastRead: 0,
      unread: 3,
    });
    const page = (await rest.call('GET', '/v1/rooms/lobby/messages?before=3&limit=1', { as: charlie })).json;
    expect(page).toMatchObject({ messages: [{ room: 'lobby', seq: 2, from: 'bob' }], more: true });
  });

  it('takes on one pod the token that another pod gave', async () => {
    const other = await RestHarness.open({}, database);
    const token = await logIn('alice', other);
    await other.close();
    expect((await rest.call('GET', '/v1/me', { as: token })).status).toBe(200);
  });

  it("keeps SQL in people's words as words", async () => {
    const as = await logIn('alice');
    for (const title of ["' OR 1=1--", '\\', '1;drop table users', '%_']) {
      const { json } = await rest.call('POST', '/v1/rooms', { as, body: { kind: 'group', title } });
      expect(json).toMatchObject({ title });
    }
    expect((await rest.call('GET', '/v1/me', { as })).status).toBe(200);
  });
});
