import type { BusSubscription, MessageBus } from '@troupe/ports';
import { type MembershipNotice, subjects } from '@troupe/protocol';
import type { EdgeService } from '../edge/edge.service';
import type { Connection } from '../ws/connection';
import type { SessionRegistry } from './session-registry';

/** Attaches and detaches a user's sessions when the user becomes, or stops being, a member of a room. */
export class MembershipFollower {
  private subscription: BusSubscription | null = null;

  constructor(
    private readonly bus: MessageBus,
    private readonly sessions: SessionRegistry,
    private readonly edge: EdgeService,
  ) {}

  start(): void {
    this.subscription = this.bus.subscribe(subjects.membership, ({ payload }) => {
      this.follow(JSON.parse(Buffer.from(payload).toString()) as MembershipNotice);
    });
  }

  stop(): void {
    this.subscription?.unsubscribe();
  }

  /** What came while the session was opening, and what the list of its rooms may have missed. */
  catchUp(connection: Connection): void {
    const { late } = connection;
    connection.late = [];
    for (const notice of late) this.apply(connection, notice);
  }

  private follow(notice: MembershipNotice): void {
    for (const connection of this.sessions.of(notice.user)) {
      if (connection.state === 'opening') connection.late.push(notice);
      else this.apply(connection, notice);
    }
  }

  private apply(connection: Connection, { room, change, head }: MembershipNotice): void {
    // A session that asked for the change itself hears of it by the reply.
    if (connection.joining.has(room)) return;
    if (change === 'joined') {
      if (connection.subscriptions.has(room)) return;
      this.edge.fanout.join(connection, room, { head }, (at, go) => {
        connection.send({ type: 'joined', room, head: at() });
        go();
      });
    } else if (this.edge.fanout.leave(connection, room)) {
      connection.send({ type: 'left', room });
    }
  }
}
