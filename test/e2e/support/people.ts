import type { HttpClient } from '@troupe/testing';

export const PASSWORD = 'correct horse battery';

export interface Person {
  user: string;
  token: string;
}

/** Registers users and logs them in, two at a time: password hashing is costly on purpose. */
export async function registerPeople(http: HttpClient, users: readonly string[]): Promise<Person[]> {
  const people: Person[] = [];
  for (let at = 0; at < users.length; at += 2) {
    const pair = users.slice(at, at + 2).map(async (user) => {
      await http.register(user, PASSWORD);
      return { user, token: await http.logIn(user, PASSWORD) };
    });
    people.push(...(await Promise.all(pair)));
  }
  return people;
}

/** Opens a closed group with these members, made by the first of them. */
export async function createGroup(
  http: HttpClient,
  room: string,
  [owner, ...others]: readonly [Person, ...Person[]],
  settings: { open?: boolean; durable?: boolean } = {},
): Promise<void> {
  const members = others.map((p) => p.user);
  await http
    .as(owner.token)
    .expect(201, 'POST', '/v1/rooms', { kind: 'group', id: room, members, ...settings });
}
