import type { EdgeService } from '../edge/edge.service';
import type { TokenVerifier } from '@troupe/people';
import type { Ids, RoomDirectory } from '@troupe/ports';
import {
  type ClientFrameOf,
  CloseCode,
  type RoomHead,
  type SessionLimits,
  TroupeError,
} from '@troupe/protocol';
import type { Connection } from '../ws/connection';
import type { MembershipFollower } from './membership-follower';
import type { PresenceReporter } from './presence-reporter';
import type { SessionRegistry } from './session-registry';
import { toTroupeError } from './troupe-error';

export interface OpenerSettings {
  heartbeatMs: number;
  limits: SessionLimits;
}

/**
 * Opens a session: who is it, which rooms, attach, welcome, what was missed, then live. The client is told as a room's
 * head exactly the seq after which it gets everything.
 */
export class SessionOpener {
  constructor(
    private readonly verifier: TokenVerifier,
    private readonly directory: RoomDirectory,
    private readonly edge: EdgeService,
    private readonly sessions: SessionRegistry,
    private readonly presence: PresenceReporter,
    private readonly follower: MembershipFollower,
    private readonly ids: Ids,
    private readonly settings: OpenerSettings,
    private readonly onError: (error: unknown) => void,
  ) {}

  async open(connection: Connection, hello: ClientFrameOf<'hello'>): Promise<void> {
    if (connection.state !== 'new') {
      return connection.fail('bad_request', 'hello was said before', { id: hello.id });
    }
    connection.state = 'opening';
    try {
      await this.authenticate(connection, hello.token ?? connection.upgradeToken);
      if (isClosed(connection)) return;
      // Registered before the rooms are read: a room that is joined in between is in the list, or comes as a notice.
      this.sessions.add(connection);
      const rooms = await this.directory.headsOf(connection.user);
      if (isClosed(connection)) return;
      connection.upgradeToken = null;
      this.enter(connection, hello, rooms);
    } catch (error) {
      this.refuse(connection, hello.id, error);
    }
  }

  private async authenticate(connection: Connection, token: string | null): Promise<void> {
    if (token === null)
      throw new TroupeError('unauthenticated', 'no token: send it in hello or in the upgrade');
    const principal = await this.verifier.verify(token);
    if (principal.kind !== 'user')
      throw new TroupeError('forbidden', 'sessions are for users, not for services');
    connection.principal = principal;
  }

  private enter(connection: Connection, hello: ClientFrameOf<'hello'>, rooms: readonly RoomHead[]): void {
    connection.sessionId = this.ids.uuid();
    connection.device = hello.device;
    this.edge.open(connection);
    this.presence.opened(connection.user, connection.sessionId);
    this.attachAll(connection, hello, rooms, (heads) => {
      connection.state = 'open';
      connection.send({
        type: 'welcome',
        ...(hello.id === undefined ? {} : { id: hello.id }),
        session: connection.sessionId,
        user: connection.user,
        heartbeatMs: this.settings.heartbeatMs,
        rooms: heads,
        limits: this.settings.limits,
      });
      this.refuseUnknown(connection, hello, rooms);
    });
  }

  /**
   * Attaches to every room. When the last of them has answered, `welcome` is called with the heads, and only then the
   * rooms begin: nothing of any room comes before the welcome.
   */
  private attachAll(
    connection: Connection,
    hello: ClientFrameOf<'hello'>,
    rooms: readonly RoomHead[],
    welcome: (heads: RoomHead[]) => void,
  ): void {
    const resume = new Map(Object.entries(hello.resume ?? {}));
    const ready: { room: RoomHead; head: () => number; go: () => void }[] = [];
    let waiting = rooms.length;
    let welcomed = false;
    const finish = (): void => {
      if (waiting > 0 || welcomed || isClosed(connection)) return;
      welcomed = true;
      welcome(ready.map(({ room, head }) => ({ room: room.room, kind: room.kind, head: head() })));
      for (const { go } of ready) go();
      this.follower.catchUp(connection);
    };
    for (const room of rooms) {
      let counted = false;
      const answered = (): void => {
        if (counted) return;
        counted = true;
        waiting--;
        finish();
      };
      const resumeAfter = resume.get(room.room);
      const told = resumeAfter === undefined ? { head: room.head } : { head: room.head, resumeAfter };
      // A room whose head nobody can tell at the moment is not waited for; it joins when its owner is back.
      const options = { ...told, late: answered, left: answered };
      this.edge.fanout.join(connection, room.room, options, (head, go) => {
        if (!welcomed) {
          ready.push({ room, head, go });
          return answered();
        }
        connection.send({ type: 'joined', room: room.room, head: head() });
        go();
      });
    }
    finish();
  }

  /** What is asked to be resumed but is not the user's: one error each, and nothing about whether it exists. */
  private refuseUnknown(
    connection: Connection,
    hello: ClientFrameOf<'hello'>,
    rooms: readonly RoomHead[],
  ): void {
    const known = new Set(rooms.map((r) => r.room));
    for (const room of Object.keys(hello.resume ?? {})) {
      if (!known.has(room)) connection.fail('not_found', `cannot resume ${room}: no such room`);
    }
  }

  private refuse(connection: Connection, id: string | undefined, error: unknown): void {
    if (isClosed(connection)) return;
    const known = toTroupeError(error);
    connection.fail(known.code, known.message, { id });
    if (known.code === 'unauthenticated') connection.close(CloseCode.unauthenticated, 'unauthenticated');
    else if (known.code === 'forbidden') connection.close(CloseCode.forbidden, 'forbidden');
    else {
      // The client may say hello again on the same socket, as long as its time lasts.
      connection.state = 'new';
      this.sessions.remove(connection);
      connection.late = [];
      if (known.code === 'internal') this.onError(error);
    }
  }
}

// A function, because the state changes while something is awaited, which control flow analysis does not see.
const isClosed = (connection: Connection): boolean => connection.state === 'closed';
