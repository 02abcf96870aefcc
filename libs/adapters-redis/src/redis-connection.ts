import { Redis } from 'ioredis';
import type { LuaScript } from './lua-script';

export interface RedisConnectionOptions {
  /** `redis://` or `rediss://`, with credentials and database if any. */
  url: string;
  /** How long one command may take, in ms; then its outcome is unknown. */
  commandTimeoutMs?: number;
  /** Called once for each broken connection and each failed attempt to make one. */
  onError?: (error: Error) => void;
}

/** The server cannot be reached, did not answer in time, or takes no commands now. */
export class RedisUnavailable extends Error {
  override readonly name = 'RedisUnavailable';
}

/** How long a lost connection may be silent with commands waiting before it is given up, in ms. */
const SILENCE_MS_MAX = 2_000;
const CONNECT_TIMEOUT_MS = 2_000;
const BACKOFF_FIRST_MS = 50;
const BACKOFF_MS_MAX = 1_000;
/** Replies of a server that is there but cannot serve: starting, a replica, out of memory, unable to save, busy. */
const NOT_NOW =
  /^(LOADING|READONLY|MASTERDOWN|OOM|MISCONF|BUSY|NOREPLICAS|CLUSTERDOWN|TRYAGAIN|UNKILLABLE)\b/;

/**
 * One connection to one Redis, which fails fast while that is away and comes back by itself.
 *
 * The client's own defaults hide an outage (commands queue up without end, are retried, and sent again after a
 * reconnect); here a command is sent at most once, and either answered or rejected within its timeout.
 */
export class RedisConnection {
  private readonly client: Redis;
  private closed = false;

  constructor(options: RedisConnectionOptions) {
    this.client = new Redis(options.url, {
      maxRetriesPerRequest: 1,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      commandTimeout: options.commandTimeoutMs ?? 500,
      // A half-open connection has no error to show: what is not answered for this long is cut and made anew.
      socketTimeout: SILENCE_MS_MAX,
      connectTimeout: CONNECT_TIMEOUT_MS,
      keepAlive: 5_000,
      retryStrategy: (attempt) => backoffMs(attempt, Math.random()),
      // After a failover the old address may answer as a replica: look the name up again.
      reconnectOnError: (error) => error.message.startsWith('READONLY'),
    });
    // Without a listener the client writes to the console; each command's failure is reported to its caller anyway.
    let cause: Error | undefined;
    this.client.on('error', (error: Error) => (cause = error));
    this.client.on('close', () => {
      if (!this.closed) options.onError?.(cause ?? new RedisUnavailable('the connection ended'));
      cause = undefined;
    });
  }

  /** Resolves true when commands can be sent, false when that has not come true in time. */
  ready(timeoutMs: number): Promise<boolean> {
    if (this.client.status === 'ready') return Promise.resolve(true);
    return new Promise((resolve) => {
      const done = (ready: boolean) => {
        clearTimeout(timer);
        this.client.off('ready', onReady);
        resolve(ready);
      };
      const onReady = () => done(true);
      const timer = setTimeout(() => done(false), timeoutMs);
      this.client.once('ready', onReady);
    });
  }

  /** Runs a script. Rejects with {@link RedisUnavailable}, or with the script's own error, which is a bug. */
  async run(
    script: LuaScript,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<unknown> {
    return this.guard(async () => {
      try {
        return await this.client.evalsha(script.sha, keys.length, ...keys, ...args);
      } catch (error) {
        // A server that was restarted, or has not seen this version, does not have the script yet.
        if (!isReplyError(error) || !error.message.startsWith('NOSCRIPT')) throw error;
        return await this.client.eval(script.source, keys.length, ...keys, ...args);
      }
    });
  }

  /** How many members a set has. Rejects with {@link RedisUnavailable}. */
  async countMembers(key: string): Promise<number> {
    return this.guard(() => this.client.scard(key));
  }

  /** Lets commands in flight finish, then disconnects. Idempotent. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    try {
      if (this.client.status === 'ready') await this.client.quit();
    } catch {
      // It broke while closing; there is nothing left to be polite to.
    } finally {
      this.client.disconnect();
    }
  }

  private async guard<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      if (isReplyError(error) && !NOT_NOW.test(error.message)) throw error;
      // The client's message may name the host; it goes along as the cause, for the log.
      throw new RedisUnavailable('Redis does not answer', { cause: error });
    }
  }
}

/** The server answered, with an error; the client's class for that has no types. */
function isReplyError(error: unknown): error is Error {
  return error instanceof Error && error.name === 'ReplyError';
}

/** 50 ms, 100, 200 … up to a second, with up to half as much again so that pods do not come back in step. */
export function backoffMs(attempt: number, random: number): number {
  const base = Math.min(BACKOFF_MS_MAX, BACKOFF_FIRST_MS * 2 ** Math.min(attempt - 1, 10));
  return Math.round(base * (1 + random / 2));
}
