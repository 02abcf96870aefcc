import type { Clock } from '@troupe/ports';
import { type ActorCommand, type ControlRecord, type PieceHeader, encodeGap } from '@troupe/protocol';
import type { FrameCodec } from './outlet';
import {
  type EdgeSession,
  type JoinOptions,
  type JoinReady,
  type JoinWaiter,
  RoomGroup,
  type Subscription,
} from './room-group';

export interface FanoutSettings {
  /** How much a session is sent at once while it catches up. */
  pieceBytes: number;
  /** Past this many bytes of one room in one turn the frames go to the sockets before the turn ends. */
  chunkBytes: number;
  /** After how long an unanswered attach, resume or replay is sent again. */
  retryMs: number;
  /** How long `join` waits for the actor before it goes ahead with the head that it was given. */
  joinWaitMs: number;
}

export interface FanoutPorts {
  clock: Clock;
  codec: FrameCodec;
  send(command: Exclude<ActorCommand, { ref: number }>): void;
  delivered(messages: number): void;
  repaired(): void;
}

/**
 * Brings rooms' streams to sessions: one frame a message, one chunk a room and turn, handed to each socket that can
 * take it. Sockets that cannot are marked lagging at the actor, and are caught up from their mailbox when they drain.
 * What arrives out of order or twice is put right before anybody sees it.
 */
export class Fanout {
  private readonly groups = new Map<string, RoomGroup>();
  private readonly byPartition = new Map<number, Set<RoomGroup>>();
  /** Rooms whose stream came although no session is in them: twice in a row, and the actor is told. */
  private strays = { now: new Set<string>(), before: new Set<string>() };
  private readonly sessions = new Map<number, EdgeSession>();
  /** Sessions with a room that lags: the others need no visit. */
  private readonly laggards = new Set<EdgeSession>();
  private dirty: RoomGroup[] = [];

  constructor(
    private readonly ports: FanoutPorts,
    private readonly settings: FanoutSettings,
  ) {}

  start(): () => void {
    return this.ports.clock.every(this.settings.retryMs, () => this.askAgain());
  }

  get sessionCount(): number {
    return this.sessions.size;
  }

  get roomCount(): number {
    return this.groups.size;
  }

  // ── Sessions ──────────────────────────────────────────────────────────────────────────────────────────────────

  open(session: EdgeSession): void {
    this.sessions.set(session.no, session);
  }

  close(session: EdgeSession): void {
    this.sessions.delete(session.no);
    this.laggards.delete(session);
    for (const sub of [...session.subscriptions.values()]) this.remove(sub);
  }

  /**
   * Adds a session to a room. `head`: the room's newest seq as the store has it, or −1 if only the actor knows.
   * When the actor has confirmed, `ready` is called: `head()` is the seq after which the session gets everything,
   * and `go()` lets it begin; nothing of the room comes before. Told and started in one turn, nothing can slip in between.
   * With `resumeAfter`, the session first gets what it missed since that seq.
   */
  join(session: EdgeSession, room: string, options: JoinOptions, ready: JoinReady): void {
    const present = session.subscriptions.get(room);
    if (present && present.state !== 'joining') return ready(() => Math.max(0, present.group.seq), noop);
    const waiter = { ready, ...options };
    if (present) {
      present.waiting.push(waiter);
      return this.waitFor(present, waiter);
    }
    const known = this.groups.get(room);
    const group = known ?? this.addGroup(new RoomGroup(room, options.head));
    const sub = subscription(session, group, waiter);
    session.subscriptions.set(room, sub);
    group.all.add(sub);
    this.sendAttach(group, [sub], known ? 'more' : 'first');
    if (group.attached) this.confirm(sub);
    else this.waitFor(sub, waiter);
  }

  /** Each waits for itself: a room may be without an owner for longer than the first of its sessions waits. */
  private waitFor(sub: Subscription, waiter: JoinWaiter): void {
    this.ports.clock.after(this.settings.joinWaitMs, () => {
      if (!sub.waiting.includes(waiter)) return;
      if (sub.group.seq < 0 && waiter.late) waiter.late();
      else this.confirm(sub);
    });
  }

  leave(session: EdgeSession, room: string): boolean {
    const sub = session.subscriptions.get(room);
    if (sub) this.remove(sub);
    return sub !== undefined;
  }

  /** The session's socket can take messages again. */
  drained(session: EdgeSession): void {
    if (session.catching || !session.outlet.writable) return;
    for (const sub of session.subscriptions.values()) {
      if (sub.state === 'lagging') return this.ask(sub);
    }
    this.laggards.delete(session);
  }

  /** Calls `visit` with each session that is in the room. */
  eachSession(room: string, visit: (session: EdgeSession) => void): void {
    for (const { session } of this.groups.get(room)?.all ?? []) visit(session);
  }

  // ── From the actors ───────────────────────────────────────────────────────────────────────────────────────────

  message(room: string, epoch: number, seq: number, body: Uint8Array): void {
    const group = this.groups.get(room);
    if (!group) return this.stray(room);
    // A lower epoch is a pod that has lost the room and does not know it yet.
    if (epoch < group.epoch) return;
    group.epoch = epoch;
    if (group.seq >= 0 && seq !== group.seq + 1) {
      if (seq > group.seq) this.behind(group, seq);
      return;
    }
    group.seq = seq;
    const frame = this.ports.codec(body);
    if (group.pending.push(frame) === 1) this.markDirty(group);
    group.pendingBytes += frame.length;
    if (group.ahead.length > 0) this.admitAhead(group);
    if (group.pendingBytes > this.settings.chunkBytes) this.distribute(group);
  }

  piece(header: PieceHeader, bodies: readonly Uint8Array[]): void {
    const sub = this.sessions.get(header.session)?.subscriptions.get(header.room);
    if (!sub || header.epoch < sub.group.epoch) return;
    if (sub.state !== 'catching') {
      // An answer to a question asked twice. If the actor now believes that the session lags, tell it otherwise.
      if (sub.state === 'live' && !header.live) this.sendResume(sub, sub.group.seq);
      return;
    }
    // An answer to an earlier question, which was answered already: the one that fits is still to come.
    if (header.after !== sub.after) return;
    const { session } = sub;
    session.catching = null;
    if (header.gap) {
      const { from, to, reason } = header.gap;
      session.outlet.write(this.ports.codec(Buffer.from(encodeGap({ room: header.room, from, to, reason }))));
    }
    if (bodies.length > 0) session.outlet.write(concat(bodies.map(this.ports.codec)));
    this.ports.delivered(bodies.length);
    sub.after = header.upTo;
    this.fallBehind(sub);
    if (header.live) this.goLive(sub);
    this.drained(session);
  }

  control(record: ControlRecord): void {
    switch (record.c) {
      case 'attached':
        return this.attached(record);
      case 'head':
        return this.head(record);
      case 'event': {
        const group = this.groups.get(record.room);
        if (!group) return;
        // What came before it is seen before it.
        this.distribute(group);
        const frame = this.ports.codec(Buffer.from(record.frame));
        for (const { session, state } of group.all) {
          if (state === 'joining' || state === 'held') continue;
          if (session.user !== record.except) session.outlet.control(frame);
        }
        return;
      }
      case 'gap':
        return this.gap(record);
      case 'overflow':
        return this.sessions.get(record.session)?.outlet.overflow();
      case 'fail':
      case 'done':
      case 'moved':
        // Answers belong to the link.
        return;
    }
  }

  /** The partition has a new owner, which knows nothing of this edge. Null: any of them may have forgotten it. */
  attachAgain(partition: number | null): void {
    const groups = partition === null ? this.groups.values() : (this.byPartition.get(partition) ?? []);
    for (const group of groups) this.reattach(group);
  }

  // ── Turn end ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** Gives the turn's frames to the sockets. The owner calls it at the end of each turn, before it writes. */
  distributeAll(): void {
    const dirty = this.dirty;
    this.dirty = [];
    const only = dirty.length === 1;
    for (const group of dirty) this.distribute(group, only);
  }

  get hasPending(): boolean {
    return this.dirty.length > 0;
  }

  private markDirty(group: RoomGroup): void {
    this.dirty.push(group);
  }

  /** `only`: at the end of a turn in which no other room has anything for anybody. */
  private distribute(group: RoomGroup, only = false): void {
    const frames = group.pending;
    if (frames.length === 0) return;
    const chunk = concat(frames);
    const before = group.seq - frames.length;
    group.pending = [];
    group.pendingBytes = 0;
    let readers = 0;
    const { live, outlets } = group;
    for (let i = 0; i < outlets.length;) {
      const outlet = outlets[i];
      if (outlet?.writable) {
        outlet.write(chunk, only);
        readers++;
        i++;
        continue;
      }
      const sub = live[i];
      if (!sub) break;
      // The last takes its place, and is looked at next.
      this.lag(sub, before);
    }
    this.ports.delivered(readers * frames.length);
  }

  private lag(sub: Subscription, after: number): void {
    const { group } = sub;
    if (sub.state === 'live') group.removeLive(sub);
    else group.ahead = group.ahead.filter((other) => other !== sub);
    this.fallBehind(sub);
    sub.mode = 'mailbox';
    sub.after = after;
    this.sendLagging(sub);
  }

  private fallBehind(sub: Subscription): void {
    sub.state = 'lagging';
    this.laggards.add(sub.session);
  }

  // ── Joining and catching up ───────────────────────────────────────────────────────────────────────────────────

  private attached(record: Extract<ControlRecord, { c: 'attached' }>): void {
    const group = this.groups.get(record.room);
    if (!group || record.epoch < group.epoch) return;
    if (record.serial === group.serial && record.sessions === group.all.size) group.unconfirmed = false;
    group.attached = true;
    this.reached(group, record);
    this.confirmAll(group);
  }

  private head(record: Extract<ControlRecord, { c: 'head' }>): void {
    const group = this.groups.get(record.room);
    if (!group) return this.stray(record.room);
    if (record.epoch < group.epoch) return;
    this.reached(group, record);
    // Another number may be a session that came or went a moment ago; else something about sessions was lost.
    const quietMs = this.ports.clock.nowMs() - group.changedAtMs;
    if (record.sessions !== group.all.size && quietMs >= this.settings.retryMs) group.unconfirmed = true;
  }

  /** The stream is in order: everything up to the head should have come before this. */
  private reached(group: RoomGroup, { epoch, head }: { epoch: number; head: number }): void {
    group.epoch = epoch;
    if (group.seq < 0) group.seq = head;
    else if (head > group.seq) this.behind(group, head);
  }

  private confirmAll(group: RoomGroup): void {
    for (const sub of group.all) if (sub.state === 'joining') this.confirm(sub);
  }

  private confirm(sub: Subscription): void {
    const { group } = sub;
    const [first, ...others] = sub.waiting;
    sub.waiting = [];
    sub.state = 'held';
    const head = (): number => Math.max(0, group.seq);
    first?.ready(head, () => this.begin(sub));
    for (const { ready } of others) ready(head, noop);
  }

  private begin(sub: Subscription): void {
    if (sub.state !== 'held' || !sub.group.all.has(sub)) return;
    if (sub.mode === 'history') {
      this.fallBehind(sub);
      this.drained(sub.session);
    } else {
      sub.after = Math.max(0, sub.group.seq);
      this.goLive(sub);
    }
  }

  /** From here on the session gets the group's stream, which must be where the session is. */
  private goLive(sub: Subscription): void {
    const { group } = sub;
    this.distribute(group);
    sub.mode = 'mailbox';
    if (group.seq > sub.after) {
      // The stream has overtaken the piece: what came meanwhile is asked for like any other.
      this.fallBehind(sub);
      return;
    }
    if (group.seq < sub.after) {
      if (group.seq < 0) group.seq = sub.after;
      else {
        sub.state = 'ahead';
        group.ahead.push(sub);
        // Proof that the stream has a hole, which concerns all who are live.
        this.behind(group, sub.after);
        return;
      }
    }
    group.addLive(sub);
  }

  private admitAhead(group: RoomGroup): void {
    if (!group.ahead.some((sub) => sub.after <= group.seq)) return;
    this.distribute(group);
    const still = group.ahead.filter((sub) => sub.after > group.seq);
    for (const sub of group.ahead) if (sub.after <= group.seq) group.addLive(sub);
    group.ahead = still;
  }

  private ask(sub: Subscription): void {
    sub.state = 'catching';
    sub.session.catching = sub;
    this.sendResume(sub, sub.after);
  }

  /** Something between the group's seq and `head` has not come, or not yet. */
  private behind(group: RoomGroup, head: number): void {
    group.headHeard = Math.max(group.headHeard, head);
    this.repair(group);
  }

  private repair(group: RoomGroup): void {
    const nowMs = this.ports.clock.nowMs();
    // One at a time, unless it seems lost; a later hole need not wait once the earlier one is closed.
    if (group.seq < group.replayUpTo && nowMs - group.replayAskedAtMs < this.settings.retryMs) return;
    group.replayAskedAtMs = nowMs;
    group.replayUpTo = group.headHeard;
    this.ports.repaired();
    this.ports.send({ t: 'replay', room: group.room, after: group.seq });
  }

  private gap(record: Extract<ControlRecord, { c: 'gap' }>): void {
    const group = this.groups.get(record.room);
    if (!group || record.epoch < group.epoch || record.to <= group.seq) return;
    group.epoch = record.epoch;
    this.distribute(group);
    const before = group.seq;
    group.seq = record.to;
    this.tellGap(record, before, group.live);
    const overtaken = group.ahead.filter((sub) => sub.after < record.to);
    for (const sub of overtaken) this.tellGap(record, sub.after, [sub]);
    this.admitAhead(group);
  }

  /** Tells readers that have everything up to `after` what they will not get. One that cannot take it now lags. */
  private tellGap(
    { room, to, reason }: Extract<ControlRecord, { c: 'gap' }>,
    after: number,
    readers: readonly Subscription[],
  ): void {
    const frame = this.ports.codec(Buffer.from(encodeGap({ room, from: after + 1, to, reason })));
    for (let i = readers.length - 1; i >= 0; i--) {
      const sub = readers[i];
      if (!sub) continue;
      if (sub.session.outlet.writable) sub.session.outlet.write(frame);
      else this.lag(sub, after);
    }
  }

  private askAgain(): void {
    const nowMs = this.ports.clock.nowMs();
    const { retryMs } = this.settings;
    this.strays = { now: new Set(), before: this.strays.now };
    for (const group of this.groups.values()) {
      if (group.unconfirmed && nowMs - group.attachSentAtMs >= retryMs) this.reattach(group);
      if (group.seq >= 0 && group.headHeard > group.seq) this.repair(group);
    }
    for (const session of [...this.laggards]) {
      const { catching } = session;
      // A socket that took everything at once may never have said that it drained.
      if (!catching) this.drained(session);
      else if (nowMs - catching.askedAtMs >= retryMs) this.askLater(session, catching);
    }
  }

  /** No answer: one room that does not answer must not keep the session from its others. */
  private askLater(session: EdgeSession, sub: Subscription): void {
    this.fallBehind(sub);
    session.catching = null;
    session.subscriptions.delete(sub.group.room);
    session.subscriptions.set(sub.group.room, sub);
    this.drained(session);
  }

  /** A room's stream comes for sessions that have left: the actor has not heard it. */
  private stray(room: string): void {
    if (this.strays.now.has(room)) return;
    this.strays.now.add(room);
    if (this.strays.before.has(room))
      this.ports.send({ t: 'attach', room, after: null, whole: true, sessions: [] });
  }

  private addGroup(group: RoomGroup): RoomGroup {
    this.groups.set(group.room, group);
    const others = this.byPartition.get(group.partition);
    if (others) others.add(group);
    else this.byPartition.set(group.partition, new Set([group]));
    return group;
  }

  private removeGroup(group: RoomGroup): void {
    this.groups.delete(group.room);
    const others = this.byPartition.get(group.partition);
    others?.delete(group);
    if (others?.size === 0) this.byPartition.delete(group.partition);
  }

  private remove(sub: Subscription): void {
    const { group, session } = sub;
    // What the group has pending was addressed to this session too; a socket that stays open still gets it.
    this.distribute(group);
    if (sub.state === 'live') group.removeLive(sub);
    group.ahead = group.ahead.filter((other) => other !== sub);
    group.all.delete(sub);
    session.subscriptions.delete(group.room);
    const { waiting } = sub;
    sub.waiting = [];
    group.serial++;
    group.changedAtMs = this.ports.clock.nowMs();
    this.ports.send({ t: 'detach', room: group.room, session: session.no });
    if (group.all.size === 0) this.removeGroup(group);
    // A session that has closed as a whole waits for nothing.
    const isOpen = this.sessions.has(session.no);
    if (session.catching === sub) {
      session.catching = null;
      // Its other rooms have waited for this one.
      if (isOpen) this.drained(session);
    }
    if (isOpen) for (const { left } of waiting) left?.();
  }

  // ── Commands ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** Tells the actor everything that it should know of the group. */
  private reattach(group: RoomGroup): void {
    this.sendAttach(group, [...group.all], 'again');
    for (const sub of group.all) {
      // One that reads history has no mailbox, and must not get one that the new owner's empty ring has overflowed.
      if (sub.state === 'lagging' && sub.mode === 'mailbox') this.sendLagging(sub);
      else if (sub.state === 'catching') this.sendResume(sub, sub.after);
    }
  }

  /** `first`: of a new group; `more`: in a group that is attached; `again`: all of them, to an actor that may know none. */
  private sendAttach(group: RoomGroup, subs: readonly Subscription[], why: 'first' | 'more' | 'again'): void {
    const { room, seq } = group;
    group.serial++;
    group.unconfirmed = true;
    group.attachSentAtMs = group.changedAtMs = this.ports.clock.nowMs();
    for (let i = 0; i < subs.length; i += ATTACH_MAX) {
      const part = subs.slice(i, i + ATTACH_MAX);
      const sessions = part.map(({ session }): [number, string] => [session.no, session.user]);
      const whole = i === 0 && why !== 'more' ? { whole: true as const } : {};
      if (i + ATTACH_MAX < subs.length) {
        this.ports.send({ t: 'attach', room, after: null, ...whole, sessions });
        continue;
      }
      // The last part says where the stream is: by then all sessions are in.
      const after = why !== 'more' && seq >= 0 ? seq : null;
      const needHead = why === 'again' || seq < 0 ? { needHead: true as const } : {};
      this.ports.send({ t: 'attach', room, after, ...needHead, ...whole, serial: group.serial, sessions });
    }
  }

  private sendLagging(sub: Subscription): void {
    this.ports.send({ t: 'lagging', room: sub.group.room, session: sub.session.no, after: sub.after });
  }

  private sendResume(sub: Subscription, after: number): void {
    sub.askedAtMs = this.ports.clock.nowMs();
    const { room } = sub.group;
    const { no, user } = sub.session;
    const bytesMax = this.settings.pieceBytes;
    this.ports.send({ t: 'resume', room, session: no, user, after, mode: sub.mode, bytesMax });
  }
}

/** Sessions in one attach command at most. */
const ATTACH_MAX = 1_000;

function subscription(session: EdgeSession, group: RoomGroup, waiter: JoinWaiter): Subscription {
  const { resumeAfter } = waiter;
  const mode = resumeAfter === undefined ? 'mailbox' : 'history';
  const after = resumeAfter ?? 0;
  return { session, group, state: 'joining', after, mode, index: -1, askedAtMs: 0, waiting: [waiter] };
}

const noop = (): void => undefined;

function concat(frames: readonly Uint8Array[]): Uint8Array {
  return frames.length === 1 && frames[0] ? frames[0] : Buffer.concat(frames);
}
