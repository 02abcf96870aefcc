import type { Database } from '../database';

const USERS = [
  { id: 'alice', name: 'Alice' },
  { id: 'bob', name: 'Bob' },
  { id: 'charlie', name: 'Charlie' },
];
const PASSWORD = 'password';
const SERVICE = { id: 'demo-service', scopes: ['rooms', 'publish', 'notify', 'presence'] };
const SERVICE_SECRET = 'demo-secret';
const LOBBY = {
  room: 'lobby',
  title: 'Lobby',
  members: [
    { user: 'alice', role: 'owner' as const },
    { user: 'bob', role: 'member' as const },
    { user: 'charlie', role: 'member' as const },
  ],
  messages: [
    { id: '01890a5d-ac96-774b-bcce-b302099a8057', from: 'alice', text: 'Welcome to the lobby.' },
    { id: '01890a5d-ac97-7b2e-a1d3-5c8f4e6a9b10', from: 'bob', text: 'Hello, everybody.' },
    {
      id: '01890a5d-ac98-7f41-9e2c-7a1b3c5d7e9f',
      from: 'charlie',
      text: 'Nice place. Who makes the coffee?',
    },
  ],
};

/** Brings an empty or older database to this program's schema. */
export async function setupDatabase(db: Database): Promise<void> {
  await db.migrate();
}

/**
 * Sets a database up and puts the demo users alice, bob and charlie, the group `lobby` and the client `demo-service`
 * into it. Idempotent. Everybody knows their passwords: refused when `environment` is `production`.
 */
export async function seedDatabase(
  db: Database,
  options: { hashPassword: (password: string) => Promise<string>; environment?: string | undefined },
): Promise<void> {
  if (options.environment === 'production') {
    throw new Error('demo users with known passwords are not for production (NODE_ENV)');
  }
  await setupDatabase(db);
  const { hashPassword } = options;
  // Hashing is slow on purpose: only for those who are missing.
  const there = await db.accounts.existing(USERS.map((user) => user.id));
  const users = [];
  for (const user of USERS) {
    if (!there.has(user.id)) users.push({ ...user, passwordHash: await hashPassword(PASSWORD) });
  }
  const services = (await db.accounts.service(SERVICE.id))
    ? []
    : [{ ...SERVICE, secretHash: await hashPassword(SERVICE_SECRET) }];
  await db.seed({ users, services, rooms: [LOBBY] });
}
