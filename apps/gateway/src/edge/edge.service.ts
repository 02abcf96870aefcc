import { Fanout, RoomLink, type DoneResult, type EdgeSession, type PublishResult } from '@troupe/edge';
import type { Settings } from '@troupe/config';
import type { Logger, Metrics } from '@troupe/observability';
import type { RoomGate } from '@troupe/people';
import { BusUnavailable, type Clock, type Ids, type MessageBus } from '@troupe/ports';
import {
  type JsonObject,
  type MembershipNotice,
  type Role,
  type Subject,
  TroupeError,
  subjects,
} from '@troupe/protocol';
import { textFrame } from '../ws/text-frame';
import { TurnFlush } from '../ws/turn-flush';

export interface EdgePorts {
  bus: MessageBus;
  clock: Clock;
  ids: Ids;
  metrics: Metrics;
  logger: Logger;
  /** True while this gateway knows the store to be down. */
  storeDown: () => boolean;
}

export interface Publication {
  room: string;
  from: string;
  service?: boolean;
  clientId?: string | undefined;
  text: string;
  data?: JsonObject | undefined;
}

const RETRY_MS = 1_000;
const PENDING_MAX = 200_000;

/** This gateway as an edge of the actors: its link, its fan-out, its signs of life. */
export class EdgeService implements RoomGate {
  readonly id: string;
  readonly link: RoomLink;
  readonly fanout: Fanout;
  readonly flush: TurnFlush;
  private stops: (() => void)[] = [];
  private aliveAtMs = 0;
  private sampledAtMs = 0;

  constructor(
    private readonly ports: EdgePorts,
    private readonly settings: Settings,
  ) {
    const { bus, clock, ids, metrics, logger } = ports;
    this.id = ids.uuid();
    this.flush = new TurnFlush(clock);
    this.link = new RoomLink(
      this.id,
      { bus, clock },
      {
        deadlineMs: settings.publishDeadlineMs,
        retryMs: RETRY_MS,
        pendingMax: PENDING_MAX,
        hopeless: ports.storeDown,
      },
      {
        message: (room, epoch, seq, body) => {
          this.fanout.message(room, epoch, seq, body);
          this.sampleDelivery(body);
          this.flush.schedule();
        },
        piece: (header, bodies) => this.fanout.piece(header, bodies),
        control: (record) => this.fanout.control(record),
        ownerChanged: (partition) => this.fanout.attachAgain(partition),
        reconnected: () => this.fanout.attachAgain(null),
        failed: (error) => logger.error({ err: error }, 'edge failure'),
      },
    );
    this.fanout = new Fanout(
      {
        clock,
        codec: textFrame,
        send: (command) => this.link.send(command),
        delivered: (messages) => metrics.deliveries.inc(messages),
        repaired: () => metrics.repairs.inc(),
      },
      {
        pieceBytes: settings.resumePieceBytes,
        chunkBytes: settings.resumePieceBytes,
        retryMs: RETRY_MS,
        joinWaitMs: RETRY_MS,
      },
    );
    this.flush.distribute = () => this.fanout.distributeAll();
  }

  start(): void {
    const { clock } = this.ports;
    this.aliveAtMs = clock.nowMs();
    this.link.start();
    this.stops = [this.fanout.start(), clock.every(this.settings.edgeAliveMs, () => this.alive())];
    this.alive();
  }

  /** Says good-bye to the actors, so that they need not wait for the silence. */
  stop(): void {
    for (const stop of this.stops) stop();
    this.say({ edge: this.id, leaving: true });
    this.link.stop();
  }

  /** Publishes, with an id of its own so that trying again is safe. The answer comes once. */
  post(m: Publication, answer: (result: PublishResult) => void): void {
    const { clock, ids, metrics } = this.ports;
    const startMs = clock.nowMs();
    this.link.publish(
      {
        room: m.room,
        from: m.from,
        id: ids.uuid(),
        text: m.text,
        ...(m.service ? { service: true as const } : {}),
        ...(m.clientId === undefined ? {} : { clientId: m.clientId }),
        ...(m.data === undefined ? {} : { data: m.data }),
      },
      (result) => {
        if (!('code' in result)) metrics.publishAck.observe((clock.nowMs() - startMs) / 1_000);
        answer(result);
      },
    );
  }

  publish(
    m: Parameters<RoomGate['publish']>[0],
  ): Promise<{ seq: number; id: string; at: string; duplicate: boolean }> {
    return new Promise((resolve, reject) => {
      this.post(m, (result) => {
        if ('code' in result) reject(new TroupeError(result.code, result.message, result.retryAfterMs));
        else resolve({ seq: result.seq, id: result.id, at: result.at, duplicate: result.duplicate });
      });
    });
  }

  changeMember(c: {
    room: string;
    user: string;
    by: string;
    change: 'join' | 'leave';
    role?: Role;
    service?: boolean;
  }): Promise<{ head: number }> {
    const { service, ...change } = c;
    return new Promise((resolve, reject) => {
      this.link.member(
        { ...change, ...(service ? { service: true as const } : {}) },
        (result: DoneResult) => {
          if ('code' in result) reject(new TroupeError(result.code, result.message, result.retryAfterMs));
          else resolve({ head: result.head });
        },
      );
    });
  }

  announceRoom(room: string, members: string[], head?: number): void {
    for (const user of members) {
      const joined: MembershipNotice = { room, user, change: 'joined', head: head ?? 0 };
      const notice = head === undefined ? joined : { ...joined, again: true as const };
      // What is lost here is found when the gateways are back on the bus and read their users' rooms again.
      this.tell(subjects.membership, notice);
    }
  }

  open(session: EdgeSession): void {
    this.fanout.open(session);
  }

  close(session: EdgeSession): void {
    this.fanout.close(session);
  }

  private alive(): void {
    const nowMs = this.ports.clock.nowMs();
    // Frozen for so long that the actors may have given this edge up: everything is told again.
    if (nowMs - this.aliveAtMs > this.settings.edgeTtlMs / 2) this.fanout.attachAgain(null);
    this.aliveAtMs = nowMs;
    this.say({ edge: this.id });
  }

  private say(sign: { edge: string; leaving?: true }): void {
    this.tell(subjects.gatewayAlive, sign);
  }

  private tell(subject: Subject, notice: object): void {
    try {
      this.ports.bus.publish(subject, Buffer.from(JSON.stringify(notice)));
    } catch (error) {
      if (!(error instanceof BusUnavailable)) throw error;
    }
  }

  /**
   * Measures one message in fifty milliseconds; a measurement for each would cost more than its delivery.
   * The first `at` after the text is the message's own: in a text the quotes would be escaped, and `data` comes later.
   */
  private sampleDelivery(body: Buffer): void {
    const { clock, metrics } = this.ports;
    const nowMs = clock.nowMs();
    if (nowMs - this.sampledAtMs < SAMPLE_MS) return;
    this.sampledAtMs = nowMs;
    const text = body.toString('latin1', body.indexOf('","at":"') + 8);
    const sentMs = Date.parse(text.slice(0, 24));
    if (Number.isFinite(sentMs))
      metrics.delivery.observe(Math.max(0, Date.parse(clock.wallTime()) - sentMs) / 1_000);
  }
}

const SAMPLE_MS = 50;
