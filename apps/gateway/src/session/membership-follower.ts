import type { BusSubscription, MessageBus } from '@troupe/ports';
import { type MembershipNotice, subjects } from '@troupe/protocol';
import type { EdgeService } from '../edge/edge.service';
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

  private follow({ room, user, change, head }: MembershipNotice): void {
    for (const connection of this.sessions.of(user)) {
      // A session that asked for the change itself hears of it by the reply.
      if (connection.joining.has(room)) continue;
      if (change === 'joined') {
        if (connection.subscriptions.has(room)) continue;
        this.edge.fanout.join(connection, room, { head }, (at, go) => {
          connection.send({ type: 'joined', room, head: at() });
          go();
        });
      } else if (this.edge.fanout.leave(connection, room)) {
        connection.send({ type: 'left', room });
      }
    }
  }
}
