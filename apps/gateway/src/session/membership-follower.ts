import type { BusSubscription, MessageBus, RoomDirectory } from '@troupe/ports';
import { type MembershipNotice, type RoomHead, subjects } from '@troupe/protocol';
import type { EdgeService } from '../edge/edge.service';
import type { Connection } from '../ws/connection';
import type { SessionRegistry } from './session-registry';

/**
 * Attaches and detaches a user's sessions when the user becomes, or stops being, a member of a room. Notices can be
 * lost with the bus; when it is back, the users' rooms are read again and the difference is made up.
 */
export class MembershipFollower {
  private subscription: BusSubscription | null = null;
  private stopReconciling: (() => void) | null = null;
  private reconciling = false;

  constructor(
    private readonly bus: MessageBus,
    private readonly sessions: SessionRegistry,
    private readonly edge: EdgeService,
    private readonly directory: Pick<RoomDirectory, 'headsOf'>,
    private readonly onError: (error: unknown) => void,
  ) {}

  start(): void {
    this.subscription = this.bus.subscribe(subjects.membership, ({ payload }) => {
      this.follow(JSON.parse(Buffer.from(payload).toString()) as MembershipNotice);
    });
    this.stopReconciling = this.bus.onConnection((connected) => {
      if (connected) void this.reconcile();
    });
  }

  stop(): void {
    this.subscription?.unsubscribe();
    this.stopReconciling?.();
  }

  /** What came while the session was opening, and what the list of its rooms may have missed. */
  catchUp(connection: Connection): void {
    const { late } = connection;
    connection.late = [];
    for (const notice of late) this.apply(connection, notice);
  }

  /** Does what a frame of the session asks about a room; notices about it wait for the frame's own answer. */
  async during(connection: Connection, room: string, work: () => Promise<void>): Promise<void> {
    const entry = connection.inWork.get(room) ?? { frames: 0, notice: null };
    connection.inWork.set(room, entry);
    entry.frames++;
    try {
      await work();
    } finally {
      if (--entry.frames === 0) {
        connection.inWork.delete(room);
        if (entry.notice && connection.state === 'open') this.apply(connection, entry.notice);
      }
    }
  }

  private follow(notice: MembershipNotice): void {
    for (const connection of this.sessions.of(notice.user)) {
      if (connection.state === 'opening') connection.late.push(notice);
      else this.apply(connection, notice);
    }
  }

  private apply(connection: Connection, notice: MembershipNotice): void {
    const { room, change, head } = notice;
    const inWork = connection.inWork.get(room);
    if (inWork) {
      inWork.notice = notice;
    } else if (change === 'joined') {
      connection.leftRooms.delete(room);
      this.join(connection, room, head);
    } else if (this.edge.fanout.leave(connection, room)) {
      connection.send({ type: 'left', room });
    }
  }

  private join(connection: Connection, room: string, head: number): void {
    if (connection.subscriptions.has(room)) return;
    this.edge.fanout.join(connection, room, { head }, (at, go) => {
      connection.send({ type: 'joined', room, head: at() });
      go();
    });
  }

  /** One user after the other: this is no hurry, and the store has others to serve after an outage. */
  private async reconcile(): Promise<void> {
    if (this.reconciling) return;
    this.reconciling = true;
    try {
      for (const user of [...this.sessions.users()]) {
        const rooms = await this.directory.headsOf(user);
        for (const connection of this.sessions.of(user)) this.compare(connection, rooms);
      }
    } catch (error) {
      this.onError(error);
    } finally {
      this.reconciling = false;
    }
  }

  private compare(connection: Connection, rooms: readonly RoomHead[]): void {
    if (connection.state !== 'open') return;
    const member = new Set(rooms.map((r) => r.room));
    for (const room of [...connection.subscriptions.keys()]) {
      if (member.has(room) || connection.guestOf.has(room)) continue;
      this.apply(connection, { room, user: connection.user, change: 'left', head: 0 });
    }
    for (const { room, head } of rooms) {
      if (connection.subscriptions.has(room) || connection.leftRooms.has(room)) continue;
      this.apply(connection, { room, user: connection.user, change: 'joined', head });
    }
  }
}
