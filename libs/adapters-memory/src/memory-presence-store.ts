import type { Clock, PresenceRecord, PresenceStore, SessionChange } from '@troupe/ports';

/** How many batches above a missing one are taken, at most, until the gateway restores. */
const BATCHES_AHEAD_MAX = 256;
/** Of how many users without sessions `lastSeen` is kept; those seen longest ago are forgotten first. */
const LAST_SEEN_USERS_MAX = 100_000;

/** What is known of one gateway incarnation. The Redis scripts keep the same, field by field. */
interface GatewayState {
  leaseEndsAtMs: number;
  /** Wall time of the last renewal. */
  renewedAt: string;
  /** Every batch up to it is applied, or overtaken by a restore. */
  floor: number;
  /** Batches above the floor that are applied already. */
  ahead: Set<number>;
  /** Open sessions, with the batch that opened or last restored each. */
  sessions: Map<string, { user: string; seq: number }>;
  /** Sessions that a batch closed while an earlier one may still come, with that batch. */
  closed: Map<string, number>;
  restoring: { seq: number; parts: number; got: Set<number> } | null;
  /** The hole that the last renewal saw. */
  suspect: string | null;
}

/** Presence in this process. Its times are the clock's. */
export class MemoryPresenceStore implements PresenceStore {
  private readonly gateways = new Map<string, GatewayState>();
  /** The open sessions of each user who has one, as "gateway|session". */
  private readonly users = new Map<string, Set<string>>();
  private readonly lastSeen = new Map<string, string>();
  private sweptAtMs = Number.NEGATIVE_INFINITY;
  private holdUntilMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly clock: Pick<Clock, 'nowMs' | 'wallTime'>) {}

  async apply(
    gateway: string,
    changes: readonly SessionChange[],
    { leaseMs, seq }: { leaseMs: number; seq: number },
  ): Promise<PresenceRecord[]> {
    const state = this.known(gateway);
    this.renewLease(state, leaseMs);
    if (seq <= state.floor || state.ahead.has(seq)) return [];
    if (seq > state.floor + 1 && state.ahead.size >= BATCHES_AHEAD_MAX) return [];

    // Without a hole below it and without a restore under way, nothing late can come that a tombstone would have to stop.
    const keepClosed = seq > state.floor + 1 || state.restoring !== null;
    const transitions = new Transitions(this.users);
    for (const { user, session, change } of changes) {
      transitions.touch(user);
      if (change === 'closed') {
        if (keepClosed) state.closed.set(session, seq);
        this.closeSession(gateway, state, session, this.clock.wallTime());
      } else if (!state.closed.has(session) && !state.sessions.has(session)) {
        this.openSession(gateway, state, { user, session, seq });
      }
    }
    state.ahead.add(seq);
    settle(state);
    return this.report(transitions);
  }

  async restore(
    gateway: string,
    sessions: readonly (readonly [user: string, session: string])[],
    { leaseMs, seq, part, parts }: { leaseMs: number; seq: number; part: number; parts: number },
  ): Promise<PresenceRecord[]> {
    const before = this.gateways.get(gateway);
    const state = this.known(gateway);
    this.renewLease(state, leaseMs);
    if (state.restoring?.seq !== seq) {
      const newest = state.restoring ? state.restoring.seq : (before?.floor ?? -1);
      if (seq <= newest) return [];
      // From here on older batches are ignored: what they said is in this restore, and half of it may be here already.
      state.restoring = { seq, parts, got: new Set() };
      state.floor = Math.max(state.floor, seq);
      settle(state);
    }

    const transitions = new Transitions(this.users);
    for (const [user, session] of sessions) {
      if (state.closed.has(session)) continue;
      const open = state.sessions.get(session);
      transitions.touch(user);
      if (open) open.seq = Math.max(open.seq, seq);
      else this.openSession(gateway, state, { user, session, seq });
    }
    const { restoring } = state;
    restoring.got.add(part);
    if (restoring.got.size >= restoring.parts) {
      for (const [session, open] of [...state.sessions]) {
        if (open.seq >= seq) continue;
        transitions.touch(open.user);
        this.closeSession(gateway, state, session, this.clock.wallTime());
      }
      state.restoring = null;
      state.suspect = null;
      settle(state);
    }
    return this.report(transitions);
  }

  async renew(gateway: string, { leaseMs, seq }: { leaseMs: number; seq: number }): Promise<boolean> {
    if (!this.gateways.has(gateway) && seq > 0) return false;
    const state = this.known(gateway);
    this.renewLease(state, leaseMs);
    if (!state.restoring && state.floor >= seq) {
      state.suspect = null;
      return true;
    }
    // A batch may just be late, at another pod. It is lost when the floor has not moved since the last renewal.
    const hole = state.restoring ? `restoring ${state.restoring.seq}` : `${state.floor}`;
    if (state.suspect === hole) return false;
    state.suspect = hole;
    return true;
  }

  async expire({ leaseMs }: { leaseMs: number }): Promise<PresenceRecord[]> {
    const now = this.clock.nowMs();
    // Nobody looked for a while, so renewals may have been lost as well.
    if (now - this.sweptAtMs > leaseMs / 2) this.holdUntilMs = now + leaseMs;
    this.sweptAtMs = now;
    if (now < this.holdUntilMs) return [];

    const transitions = new Transitions(this.users);
    for (const [gateway, state] of [...this.gateways]) {
      if (state.leaseEndsAtMs > now) continue;
      for (const [session, { user }] of [...state.sessions]) {
        transitions.touch(user);
        this.closeSession(gateway, state, session, state.renewedAt);
      }
      this.gateways.delete(gateway);
    }
    return this.report(transitions);
  }

  async query(users: readonly string[]): Promise<PresenceRecord[]> {
    return users.map((user) => this.record(user));
  }

  async onlineUsers(): Promise<number> {
    return this.users.size;
  }

  async close(): Promise<void> {}

  private known(gateway: string): GatewayState {
    let state = this.gateways.get(gateway);
    if (!state) {
      state = {
        leaseEndsAtMs: 0,
        renewedAt: this.clock.wallTime(),
        floor: 0,
        ahead: new Set(),
        sessions: new Map(),
        closed: new Map(),
        restoring: null,
        // A gateway that is not new but unknown lost its sessions here: its next renewal must say so at once.
        suspect: '0',
      };
      this.gateways.set(gateway, state);
    }
    return state;
  }

  private renewLease(state: GatewayState, leaseMs: number): void {
    state.leaseEndsAtMs = this.clock.nowMs() + leaseMs;
    state.renewedAt = this.clock.wallTime();
  }

  private openSession(
    gateway: string,
    state: GatewayState,
    s: { user: string; session: string; seq: number },
  ) {
    state.sessions.set(s.session, { user: s.user, seq: s.seq });
    const open = this.users.get(s.user) ?? new Set();
    this.users.set(s.user, open.add(`${gateway}|${s.session}`));
    this.lastSeen.delete(s.user);
  }

  private closeSession(gateway: string, state: GatewayState, session: string, at: string): void {
    const user = state.sessions.get(session)?.user;
    if (user === undefined) return;
    state.sessions.delete(session);
    const open = this.users.get(user);
    open?.delete(`${gateway}|${session}`);
    if (open?.size === 0) this.users.delete(user);
    // A session that ended with its gateway's lease was last seen when that was renewed, perhaps before another ended.
    const seen = this.lastSeen.get(user);
    if (seen !== undefined && seen >= at) return;
    this.lastSeen.delete(user);
    this.lastSeen.set(user, at);
    const oldest = this.lastSeen.keys().next();
    if (this.lastSeen.size > LAST_SEEN_USERS_MAX && !oldest.done) this.lastSeen.delete(oldest.value);
  }

  private record(user: string): PresenceRecord {
    const sessions = this.users.get(user)?.size ?? 0;
    return sessions > 0
      ? { user, status: 'online', lastSeen: this.clock.wallTime(), sessions }
      : { user, status: 'offline', lastSeen: this.lastSeen.get(user) ?? null, sessions };
  }

  private report(transitions: Transitions): PresenceRecord[] {
    return transitions.changed().map((user) => this.record(user));
  }
}

/** Moves the floor over the batches that follow it without a hole, and forgets tombstones that nothing can need. */
function settle(state: GatewayState): void {
  while (state.ahead.delete(state.floor + 1)) state.floor += 1;
  for (const seq of state.ahead) if (seq <= state.floor) state.ahead.delete(seq);
  // While a restore is coming in, what was closed after its seq would be opened again by its later parts.
  const forget = Math.min(state.floor, state.restoring?.seq ?? state.floor);
  for (const [session, seq] of state.closed) if (seq <= forget) state.closed.delete(session);
}

/** Remembers who was online before a step, and tells who is no longer what he was. */
class Transitions {
  private readonly wasOnline = new Map<string, boolean>();

  constructor(private readonly users: ReadonlyMap<string, unknown>) {}

  touch(user: string): void {
    if (!this.wasOnline.has(user)) this.wasOnline.set(user, this.users.has(user));
  }

  changed(): string[] {
    return [...this.wasOnline].filter(([user, was]) => was !== this.users.has(user)).map(([user]) => user);
  }
}
