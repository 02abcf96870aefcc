import type { Connection } from '../ws/connection';

/** Open sessions by user. */
export class SessionRegistry {
  private readonly byUser = new Map<string, Set<Connection>>();
  private count = 0;

  get size(): number {
    return this.count;
  }

  add(connection: Connection): void {
    const sessions = this.byUser.get(connection.user) ?? new Set();
    this.byUser.set(connection.user, sessions.add(connection));
    this.count++;
  }

  remove(connection: Connection): void {
    const sessions = this.byUser.get(connection.user);
    if (!sessions?.delete(connection)) return;
    this.count--;
    if (sessions.size === 0) this.byUser.delete(connection.user);
  }

  users(): Iterable<string> {
    return this.byUser.keys();
  }

  of(user: string): Iterable<Connection> {
    return this.byUser.get(user) ?? [];
  }

  *all(): Iterable<Connection> {
    for (const sessions of this.byUser.values()) yield* sessions;
  }
}
