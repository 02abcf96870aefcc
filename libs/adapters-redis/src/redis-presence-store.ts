import { PresenceUnavailable, type PresenceStore } from '@troupe/ports';
import type { PresenceRecord, SessionChange } from '@troupe/protocol';
import { loadLuaScript, type LuaScript } from './lua-script';
import { checkedId, PRESENCE_PREFIX_DEFAULT, PresenceKeys } from './presence-keys';
import { RedisConnection, RedisUnavailable, type RedisConnectionOptions } from './redis-connection';

export interface RedisPresenceOptions {
  /** What all keys begin with; two stores with different prefixes on one server know nothing of each other. */
  keyPrefix?: string;
  /** How long `lastSeen` of a user without sessions is kept, in ms. Default: 90 days. */
  lastSeenKeptMs?: number;
  /** How many batches above a missing one are taken, at most, until the gateway restores. */
  batchesAheadMax?: number;
  /** How many sessions one `expire` may end in one step; Redis does nothing else meanwhile (about 20 µs a session). */
  expireSessionsMax?: number;
}

/** What the scripts answer first; their headers say what each number means where. */
const Code = { done: 0, known: 1, refused: 2, restored: 3, expireAgain: 1 } as const;

/** Presence on one Redis (7.0 or newer). Each transition is made by one atomic script, so it is reported once. */
export class RedisPresenceStore implements PresenceStore {
  private readonly scripts = {
    apply: loadLuaScript('presence/apply'),
    restore: loadLuaScript('presence/restore'),
    renew: loadLuaScript('presence/renew'),
    expire: loadLuaScript('presence/expire'),
    query: loadLuaScript('presence/query'),
  };
  private readonly keys: PresenceKeys;
  private readonly lastSeenKeptMs: number;
  private readonly batchesAheadMax: number;
  private readonly expireSessionsMax: number;

  /** Closes `redis` when it is closed itself. */
  constructor(
    private readonly redis: RedisConnection,
    options: RedisPresenceOptions = {},
  ) {
    this.keys = new PresenceKeys(options.keyPrefix ?? PRESENCE_PREFIX_DEFAULT);
    this.lastSeenKeptMs = options.lastSeenKeptMs ?? 90 * 24 * 3_600_000;
    this.batchesAheadMax = options.batchesAheadMax ?? 256;
    this.expireSessionsMax = options.expireSessionsMax ?? 500;
  }

  async apply(
    gateway: string,
    changes: readonly SessionChange[],
    options: { leaseMs: number; seq: number },
  ): Promise<PresenceRecord[]> {
    const keys = this.keys.batch(gateway).slice(0, 6);
    const args = [options.leaseMs, options.seq, this.batchesAheadMax, this.lastSeenKeptMs];
    const items = changes.flatMap((c) => [checkedId(c.user), checkedId(c.session), c.change]);
    const { records } = await this.step(this.scripts.apply, keys, [gateway, ...args, ...items]);
    return records;
  }

  async restore(
    gateway: string,
    sessions: readonly (readonly [user: string, session: string])[],
    options: { leaseMs: number; seq: number; part: number; parts: number },
  ): Promise<PresenceRecord[]> {
    const { leaseMs, seq, part, parts } = options;
    const items = sessions.flatMap(([user, session]) => [checkedId(user), checkedId(session)]);
    const args = [gateway, leaseMs, seq, part, parts, this.lastSeenKeptMs, ...items];
    const { records } = await this.step(this.scripts.restore, this.keys.batch(gateway), args);
    return records;
  }

  async renew(gateway: string, options: { leaseMs: number; seq: number }): Promise<boolean> {
    const keys = [this.keys.leases, this.keys.gateway(gateway)];
    return (await this.run(this.scripts.renew, keys, [gateway, options.leaseMs, options.seq])) === 1;
  }

  async expire(options: { leaseMs: number }): Promise<PresenceRecord[]> {
    const keys = [this.keys.leases, this.keys.online, this.keys.sweep];
    const args = [options.leaseMs, this.expireSessionsMax, this.lastSeenKeptMs];
    for (;;) {
      // Sessions of users who are online elsewhere end without a record: an empty piece is not yet the end.
      const { code, records } = await this.step(this.scripts.expire, keys, args);
      if (records.length > 0 || code !== Code.expireAgain) return records;
    }
  }

  async query(users: readonly string[]): Promise<PresenceRecord[]> {
    if (users.length === 0) return [];
    const keys = users.flatMap((user) => this.keys.user(user));
    const [nowMs, ...rows] = (await this.run(this.scripts.query, keys, [])) as [number, ...(number | null)[]];
    return users.map((user, i) => {
      const sessions = rows[2 * i] ?? 0;
      return recordOf(user, sessions, sessions > 0 ? nowMs : (rows[2 * i + 1] ?? null));
    });
  }

  async onlineUsers(): Promise<number> {
    return this.translate(() => this.redis.countMembers(this.keys.online));
  }

  /** Resolves true when the server can be asked, false when that has not come true in time. */
  ready(timeoutMs: number): Promise<boolean> {
    return this.redis.ready(timeoutMs);
  }

  close(): Promise<void> {
    return this.redis.close();
  }

  /** Runs a script that answers `{code, now, (user, sessions, lastSeen)…}`. */
  private async step(
    script: LuaScript,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<{ code: number; records: PresenceRecord[] }> {
    const reply = await this.run(script, keys, [this.keys.prefix, ...args]);
    const [code, , ...rows] = reply as [number, number, ...(string | number)[]];
    const records: PresenceRecord[] = [];
    for (let i = 0; i < rows.length; i += 3) {
      records.push(recordOf(String(rows[i]), Number(rows[i + 1]), Number(rows[i + 2])));
    }
    return { code, records };
  }

  private run(script: LuaScript, keys: readonly string[], args: readonly (string | number)[]) {
    return this.translate(() => this.redis.run(script, keys, args));
  }

  private async translate<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      if (!(error instanceof RedisUnavailable)) throw error;
      throw new PresenceUnavailable('presence is unavailable', { cause: error.cause });
    }
  }
}

/** Connects; the store can be used at once, and rejects until the server answers. */
export function openRedisPresenceStore(
  options: RedisConnectionOptions & RedisPresenceOptions,
): RedisPresenceStore {
  return new RedisPresenceStore(new RedisConnection(options), options);
}

function recordOf(user: string, sessions: number, lastSeenMs: number | null): PresenceRecord {
  const lastSeen = lastSeenMs === null ? null : new Date(lastSeenMs).toISOString();
  return { user, status: sessions > 0 ? 'online' : 'offline', lastSeen, sessions };
}
