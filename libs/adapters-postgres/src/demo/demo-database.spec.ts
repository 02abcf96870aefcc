import type { Database } from '../database';
import { IN_MEMORY, openPglite } from '../open-pglite';
import { seedDatabase, setupDatabase } from './demo-database';

describe('the demo data', () => {
  let db: Database;
  const hashed: string[] = [];
  const hashPassword = async (password: string): Promise<string> => {
    hashed.push(password);
    return `hash of ${password}`;
  };

  beforeAll(async () => {
    db = await openPglite({ dataDir: IN_MEMORY });
  }, 60_000);
  afterAll(() => db.close());

  it('is refused in production, before anything is written', async () => {
    await expect(seedDatabase(db, { hashPassword, environment: 'production' })).rejects.toThrow(
      'not for production',
    );
    await expect(db.accounts.user('alice')).rejects.toMatchObject({ code: 'internal', sqlState: '42P01' });
    expect(hashed).toEqual([]);
  });

  it('is three users, a lobby with messages, and a service', async () => {
    await seedDatabase(db, { hashPassword, environment: 'test' });
    expect(await db.accounts.existing(['alice', 'bob', 'charlie', 'dora'])).toEqual(
      new Set(['alice', 'bob', 'charlie']),
    );
    expect(await db.accounts.passwordHash('bob')).toBe('hash of password');
    expect(await db.accounts.service('demo-service')).toEqual({
      id: 'demo-service',
      secretHash: 'hash of demo-secret',
      scopes: ['rooms', 'publish', 'notify', 'presence'],
    });
    expect(await db.directory.room('lobby', 'alice')).toMatchObject({
      kind: 'group',
      title: 'Lobby',
      open: true,
      durable: true,
      role: 'owner',
      head: 3,
    });
    expect(await db.directory.members('lobby', { after: null, limit: 10 })).toHaveLength(3);
    const { messages } = await db.rooms.history('lobby', { limit: 10 });
    expect(messages.map((m) => [m.seq, m.from])).toEqual([
      [1, 'alice'],
      [2, 'bob'],
      [3, 'charlie'],
    ]);
  });

  it('changes nothing when it is there, and hashes nothing', async () => {
    const before = hashed.length;
    await db.accounts.createUser({ id: 'dora', name: 'Dora', passwordHash: '-' });
    await setupDatabase(db);
    await seedDatabase(db, { hashPassword });
    expect(hashed).toHaveLength(before);
    expect((await db.rooms.heads(['lobby'])).get('lobby')).toBe(3);
  });
});
