import type { AccountStore, SigningKey, UserRecord } from '@troupe/ports';
import type { Sql } from '../sql/sql';
import { statement } from '../sql/sql-files';

const CREATE_USER = statement('create-user');
const USER = statement('user');
const PASSWORD_HASH = statement('password-hash');
const EXISTING = statement('existing-users');
const SERVICE = statement('service');
const SIGNING_KEY = statement('signing-key');
const ADD_SIGNING_KEY = statement('add-signing-key');

/** {@link AccountStore} on Postgres or PGlite. */
export class PostgresAccountStore implements AccountStore {
  constructor(private readonly sql: Sql) {}

  async createUser(user: { id: string; name: string; passwordHash: string }): Promise<boolean> {
    const made = await this.sql.query(CREATE_USER, [user.id, user.name, user.passwordHash]);
    return made.length === 1;
  }

  async user(id: string): Promise<UserRecord | null> {
    const [row] = await this.sql.query<UserRecord>(USER, [id]);
    return row ?? null;
  }

  async passwordHash(id: string): Promise<string | null> {
    const [row] = await this.sql.query<{ passwordHash: string }>(PASSWORD_HASH, [id]);
    return row?.passwordHash ?? null;
  }

  async existing(ids: readonly string[]): Promise<Set<string>> {
    if (ids.length === 0) return new Set();
    const rows = await this.sql.query<{ id: string }>(EXISTING, [ids]);
    return new Set(rows.map((row) => row.id));
  }

  async service(id: string): Promise<{ id: string; secretHash: string; scopes: string[] } | null> {
    const [row] = await this.sql.query<{ id: string; secretHash: string; scopes: string[] }>(SERVICE, [id]);
    return row ?? null;
  }

  async signingKey(create: () => Promise<SigningKey>): Promise<SigningKey> {
    const [there] = await this.sql.query<SigningKey>(SIGNING_KEY);
    if (there) return there;
    const key = await create();
    const { kid, privateJwk, publicJwk } = key;
    await this.sql.query(ADD_SIGNING_KEY, [kid, JSON.stringify(privateJwk), JSON.stringify(publicJwk)]);
    // Read back: of several pods that got here at once, one has added its key.
    const [current] = await this.sql.query<SigningKey>(SIGNING_KEY);
    return current ?? key;
  }
}
