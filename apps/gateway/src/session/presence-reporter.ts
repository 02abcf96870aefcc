import type { BusSubscription, Clock, MessageBus, PresenceRecord } from '@troupe/ports';
import { BusUnavailable, NoResponders, PresenceUnavailable, RequestTimeout } from '@troupe/ports';
import type { PresenceQuery } from '@troupe/people';
import {
  SESSION_CHANGES_MAX,
  type SessionChange,
  TroupeError,
  decodePresenceReply,
  encodePresenceQuery,
  encodeSessionsMessage,
  restoreMessages,
  subjects,
} from '@troupe/protocol';

const QUERY_TIMEOUT_MS = 2_000;

/** Tells presence which sessions opened and closed, in numbered batches, and answers when it asks for all of them. */
export class PresenceReporter implements PresenceQuery {
  private readonly open = new Map<string, string>();
  private changes: SessionChange[] = [];
  private seq = 0;
  private subscription: BusSubscription | null = null;
  private stops: (() => void)[] = [];
  private restoredAtMs = -Infinity;

  constructor(
    private readonly gateway: string,
    private readonly bus: MessageBus,
    private readonly clock: Clock,
    private readonly renewMs: number,
  ) {}

  start(): void {
    this.subscription = this.bus.subscribe(subjects.sessionsWanted(this.gateway), () => this.restore());
    this.stops = [
      this.clock.every(this.renewMs, () => this.alive()),
      // What was lost meanwhile is then noticed at once.
      this.bus.onConnection((connected) => {
        if (connected) this.alive();
      }),
    ];
  }

  /** Closes whatever is still open, so that nobody has to wait for the lease. */
  stop(): void {
    for (const [session, user] of this.open) this.report({ user, session, change: 'closed' });
    this.open.clear();
    this.flush();
    for (const stop of this.stops) stop();
    this.subscription?.unsubscribe();
  }

  opened(user: string, session: string): void {
    this.open.set(session, user);
    this.report({ user, session, change: 'opened' });
  }

  closed(user: string, session: string): void {
    if (this.open.delete(session)) this.report({ user, session, change: 'closed' });
  }

  async query(users: readonly string[]): Promise<PresenceRecord[]> {
    const reply = decodePresenceReply(await this.ask(encodePresenceQuery({ users: [...users] })));
    if ('error' in reply) throw new TroupeError(reply.error, 'presence cannot be asked at the moment');
    return reply.users;
  }

  private async ask(query: Buffer): Promise<Uint8Array> {
    try {
      return await this.bus.request(subjects.presenceQuery, query, { timeoutMs: QUERY_TIMEOUT_MS });
    } catch (error) {
      const temporary =
        error instanceof NoResponders || error instanceof RequestTimeout || error instanceof BusUnavailable;
      throw temporary ? new PresenceUnavailable('presence does not answer') : error;
    }
  }

  private report(change: SessionChange): void {
    if (this.changes.push(change) === 1) this.clock.turnEnd(() => this.flush());
  }

  private flush(): void {
    const changes = this.changes;
    this.changes = [];
    for (let i = 0; i < changes.length; i += SESSION_CHANGES_MAX) {
      const part = changes.slice(i, i + SESSION_CHANGES_MAX);
      this.send(
        encodeSessionsMessage({ t: 'changes', gateway: this.gateway, seq: ++this.seq, changes: part }),
      );
    }
  }

  private alive(): void {
    this.send(encodeSessionsMessage({ t: 'alive', gateway: this.gateway, seq: this.seq }));
  }

  private restore(): void {
    const nowMs = this.clock.nowMs();
    if (nowMs - this.restoredAtMs < RESTORE_PAUSE_MS) return;
    this.restoredAtMs = nowMs;
    this.flush();
    const sessions = [...this.open].map(([session, user]): [string, string] => [user, session]);
    for (const part of restoreMessages(this.gateway, this.seq, sessions))
      this.send(encodeSessionsMessage(part));
  }

  /** What the bus cannot take is found by its number, and asked for again. */
  private send(bytes: Buffer): void {
    try {
      this.bus.publish(subjects.sessions, bytes);
    } catch (error) {
      if (!(error instanceof BusUnavailable)) throw error;
    }
  }
}

/** Several presence pods may ask for the same sessions at once. */
const RESTORE_PAUSE_MS = 1_000;
