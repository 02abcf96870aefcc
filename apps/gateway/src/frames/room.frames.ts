import type { RoomAccess } from '@troupe/people';
import { type ClientFrameOf, type ErrorCode, TroupeError } from '@troupe/protocol';
import type { EdgeService } from '../edge/edge.service';
import type { MembershipFollower } from '../session/membership-follower';
import type { Connection } from '../ws/connection';

const withId = (id: string | undefined): { id?: string } => (id === undefined ? {} : { id });

/** `join`, `leave`, `group_join`, `group_leave`. */
export class RoomFrames {
  constructor(
    private readonly edge: EdgeService,
    private readonly access: RoomAccess,
    private readonly follower: MembershipFollower,
  ) {}

  /** Starts the stream of a channel, or of a group that one belongs to. */
  async join(connection: Connection, frame: ClientFrameOf<'join'>): Promise<void> {
    const { principal } = connection;
    if (!principal) return;
    await this.follower.during(connection, frame.room, async () => {
      const room = await this.access.visible(principal, frame.room);
      if (room.kind !== 'channel' && !room.role)
        throw new TroupeError('not_member', 'not a member of this room');
      if (!room.role) connection.guestOf.add(frame.room);
      this.attach(connection, frame, room.durable ? room.head : -1);
    });
  }

  /** Ends the stream for this session; the user stays what they are. */
  leave(connection: Connection, frame: ClientFrameOf<'leave'>): void {
    if (!this.edge.fanout.leave(connection, frame.room))
      throw new TroupeError('not_member', 'not in this room');
    if (!connection.guestOf.delete(frame.room)) connection.leftRooms.add(frame.room);
    connection.send({ type: 'left', ...withId(frame.id), room: frame.room });
  }

  async group_join(connection: Connection, frame: ClientFrameOf<'group_join'>): Promise<void> {
    const { user, principal } = connection;
    if (!principal) return;
    const change = { room: frame.room, user, by: user, change: 'join' as const };
    await this.follower.during(connection, frame.room, async () => {
      const { head } = await this.access.concealed(principal, frame.room, () =>
        this.edge.changeMember(change),
      );
      this.attach(connection, frame, head);
    });
  }

  async group_leave(connection: Connection, frame: ClientFrameOf<'group_leave'>): Promise<void> {
    const { user, principal } = connection;
    if (!principal) return;
    const change = { room: frame.room, user, by: user, change: 'leave' as const };
    await this.follower.during(connection, frame.room, async () => {
      await this.access.concealed(principal, frame.room, () => this.edge.changeMember(change));
      this.edge.fanout.leave(connection, frame.room);
      connection.send({ type: 'left', ...withId(frame.id), room: frame.room });
    });
  }

  private attach(
    connection: Connection,
    frame: { id?: string | undefined; room: string },
    head: number,
  ): void {
    if (connection.state === 'closed') return;
    connection.leftRooms.delete(frame.room);
    const id = frame.id;
    let refused = false;
    const refuse = (code: ErrorCode, message: string): void => {
      if (refused) return;
      refused = true;
      connection.fail(code, message, { id });
    };
    const options = {
      head,
      late: () => {
        refuse('unavailable', 'the room cannot be reached at the moment; try again');
        this.edge.fanout.leave(connection, frame.room);
      },
      left: () => refuse('not_member', 'left before the room answered'),
    };
    this.edge.fanout.join(connection, frame.room, options, (at, go) => {
      connection.send({ type: 'joined', ...withId(id), room: frame.room, head: at() });
      go();
    });
  }
}
