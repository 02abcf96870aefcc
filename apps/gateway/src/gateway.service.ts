import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { MessagesService, RoomAccess, RoomsService, TokenVerifier } from '@troupe/people';
import { throttled } from '@troupe/observability';
import { PLATFORM, type Platform } from '@troupe/platform';
import { TEXT_CODE_POINTS_MAX } from '@troupe/protocol';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { EdgeService } from './edge/edge.service';
import { HistoryFrames } from './frames/history.frames';
import { MessageFrames } from './frames/message.frames';
import { RoomFrames } from './frames/room.frames';
import { MembershipFollower } from './session/membership-follower';
import { PresenceReporter } from './session/presence-reporter';
import { SessionOpener } from './session/session-opener';
import { SessionRegistry } from './session/session-registry';
import { Connection, type ConnectionEvents } from './ws/connection';
import { type ConnectionSettings, connectionSettings } from './ws/connection.settings';
import { FrameRouter } from './ws/frame-router';

const TICK_MS = 1_000;

/** Sockets of this gateway: makes them, routes their frames, looks after their deadlines. */
@Injectable()
export class GatewayService implements OnApplicationBootstrap {
  private readonly sessions = new SessionRegistry();
  private readonly connections = new Set<Connection>();
  private readonly follower: MembershipFollower;
  private readonly router: FrameRouter;
  private readonly limits: ConnectionSettings;
  private readonly events: ConnectionEvents;
  private stopTicks: (() => void) | null = null;
  readonly nowMs: () => number;
  private readonly history: HistoryFrames;
  private nextNo = 1;

  constructor(
    @Inject(PLATFORM) private readonly platform: Platform,
    private readonly edge: EdgeService,
    private readonly presence: PresenceReporter,
    verifier: TokenVerifier,
    rooms: RoomsService,
    access: RoomAccess,
    messages: MessagesService,
  ) {
    const { bus, clock, ids, metrics, logger, settings } = platform;
    this.limits = connectionSettings(settings);
    const now = (): number => clock.nowMs();
    const { directory } = platform.database();
    const quiet = throttled(logger, 10);
    const onError = (error: unknown): void => quiet.error({ err: error }, 'sessions');
    this.follower = new MembershipFollower(bus, this.sessions, edge, { clock, directory, onError });
    const limits = {
      frameBytesMax: settings.frameBytesMax,
      textCodePointsMax: TEXT_CODE_POINTS_MAX,
      messagesPerSecond: settings.messagesPerSecond,
      messagesBurst: settings.messagesBurst,
    };
    const opener = new SessionOpener(
      verifier,
      directory,
      edge,
      this.sessions,
      presence,
      this.follower,
      ids,
      { heartbeatMs: settings.heartbeatMs, limits },
      onError,
    );
    const message = new MessageFrames(edge, rooms, settings.inFlightMax, now);
    const room = new RoomFrames(edge, access, this.follower);
    const history = new HistoryFrames(messages);
    this.history = history;
    this.router = new FrameRouter(
      {
        hello: (c, f) => opener.open(c, f),
        message: (c, f) => message.message(c, f),
        join: (c, f) => room.join(c, f),
        leave: (c, f) => room.leave(c, f),
        group_join: (c, f) => room.group_join(c, f),
        group_leave: (c, f) => room.group_leave(c, f),
        history: (c, f) => history.history(c, f),
        ping: (c, f) =>
          c.send({ type: 'pong', ...(f.id === undefined ? {} : { id: f.id }), at: clock.wallTime() }),
      },
      metrics,
      logger,
      now,
    );
    this.nowMs = now;
    this.events = {
      frame: (connection, text) => this.router.receive(connection, text),
      drained: (connection) => {
        edge.fanout.drained(connection);
        history.next(connection);
      },
      closed: (connection) => this.closed(connection),
      rejected: (code) => metrics.rejected.inc({ code }),
    };
    metrics.sessions.from(() => this.sessions.size);
  }

  onApplicationBootstrap(): void {
    this.edge.start();
    this.presence.start();
    this.follower.start();
    this.stopTicks = this.platform.clock.every(TICK_MS, () => this.tick());
  }

  accept(webSocket: WebSocket, socket: Duplex, request: IncomingMessage): Connection {
    const parts = { webSocket, socket, request, no: this.nextNo++, nowMs: this.platform.clock.nowMs() };
    const connection = new Connection(parts, this.limits, this.events, this.edge.flush);
    this.connections.add(connection);
    return connection;
  }

  /** Tells every client to come back elsewhere, and leaves the actors and presence in good order. */
  stop(): void {
    this.stopTicks?.();
    for (const connection of [...this.connections]) connection.bye(RECONNECT_MS * (0.5 + Math.random()));
    this.follower.stop();
    this.presence.stop();
    this.edge.stop();
  }

  private closed(connection: Connection): void {
    this.connections.delete(connection);
    this.sessions.remove(connection);
    if (connection.sessionId === '') return;
    this.edge.close(connection);
    this.presence.closed(connection.user, connection.sessionId);
  }

  private tick(): void {
    const nowMs = this.platform.clock.nowMs();
    const wallMs = Date.now();
    for (const connection of this.connections) {
      connection.tick(nowMs, wallMs);
      // Not every socket that can take more says so: below the stream's own mark there is no 'drain'.
      this.history.next(connection);
    }
  }
}

/** Around what clients are told to wait; jittered, so that they do not come at once. */
const RECONNECT_MS = 1_000;
