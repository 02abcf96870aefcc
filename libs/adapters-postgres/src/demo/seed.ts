import type { AccountStore } from '@troupe/ports';
import type { Role } from '@troupe/protocol';
import type { Sql } from '../sql/sql';
import { statement } from '../sql/sql-files';

const PUT_SERVICE = statement('put-service');
const SEED_ROOM = statement('seed-room');

/** Rows to begin with. */
export interface DemoData {
  users: { id: string; name: string; passwordHash: string }[];
  services: { id: string; secretHash: string; scopes: string[] }[];
  rooms: {
    room: string;
    title: string;
    members: { user: string; role: Role }[];
    messages: { id: string; from: string; text: string }[];
  }[];
}

/**
 * Writes what is not there yet; what is there stays as it is. Messages come with their room or not at all: seqs of a
 * room that exists are its actor's to give.
 */
export async function seed(sql: Sql, accounts: AccountStore, data: DemoData): Promise<void> {
  for (const user of data.users) await accounts.createUser(user);
  for (const { id, secretHash, scopes } of data.services) {
    await sql.query(PUT_SERVICE, [id, secretHash, scopes]);
  }
  for (const { room, title, members, messages } of data.rooms) {
    await sql.query(SEED_ROOM, [
      room,
      title,
      members.map((m) => m.user),
      members.map((m) => m.role),
      messages.map((m) => m.id),
      messages.map((m) => m.from),
      messages.map((m) => m.text),
    ]);
  }
}
