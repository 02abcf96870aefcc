import type { BusSubscription, Clock, MessageBus, RoomDirectory } from '@troupe/ports';
import { type MembershipNotice, type RoomHead, subjects } from '@troupe/protocol';
import type { EdgeService } from '../edge/edge.service';
import type { Connection } from '../ws/connection';
import { MembershipRepair } from './membership-repair';
import type { SessionRegistry } from './session-registry';

/**
 * Attaches and detaches a user's sessions when the user becomes, or stops being, a member of a room. Notices can be
 * lost with the bus; when it is back, the users' rooms are read again and the difference is made up.
 */
export class MembershipFollower {
  private subscription: BusSubscription | null = null;
  private stopWatching: (() => void) | null = null;
  private readonly repair: MembershipRepair;

  constructor(
    private readonly bus: MessageBus,
    private readonly sessions: SessionRegistry,
    private readonly edge: EdgeService,
    ports: { clock: Clock; directory: Pick<RoomDirectory, 'headsOf'>; onError: (error: unknown) => void },
  ) {
    this.repair = new MembershipRepair(
      ports.clock,
      ports.directory,
      (user, rooms) => this.compareAll(user, rooms),
      ports.onError,
    );
  }

  start(): void {
    this.subscription = this.bus.subscribe(subjects.membership, ({ payload }) => {
      this.follow(JSON.parse(Buffer.from(payload).toString()) as MembershipNotice);
    });
    this.stopWatching = this.bus.onConnection((connected) => {
      if (connected) this.repair.start(this.sessions.users());
    });
  }

  stop(): void {
    this.subscription?.unsubscribe();
    this.stopWatching?.();
    this.repair.stop();
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
    this.repair.noticed(notice.user);
    for (const connection of this.sessions.of(notice.user)) {
      if (connection.state === 'opening') connection.late.push(notice);
      else this.apply(connection, notice);
    }
  }

  private apply(connection: Connection, notice: MembershipNotice): void {
    const { room, change, head, again } = notice;
    if (again && connection.leftRooms.has(room)) return;
    const inWork = connection.inWork.get(room);
    if (inWork) {
      inWork.notice = notice;
      return;
    }
    // Whichever it is, from now on the session reads the room as a member or not at all.
    connection.guestOf.delete(room);
    if (change === 'joined') {
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

  /** False while one of the sessions is being opened: what it is attached to is not known yet. */
  private compareAll(user: string, rooms: readonly RoomHead[]): boolean {
    let all = true;
    for (const connection of this.sessions.of(user)) {
      if (connection.state === 'open') this.compare(connection, rooms);
      else all = false;
    }
    return all;
  }

  private compare(connection: Connection, rooms: readonly RoomHead[]): void {
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
