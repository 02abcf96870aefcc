import type { MemoryMessageBus } from '@troupe/adapters-memory';
import { Fanout, RoomLink } from '@troupe/edge';
import { BusUnavailable } from '@troupe/ports';
import { type ActorCommand, subjects } from '@troupe/protocol';
import type { LossyBus } from './lossy-bus';
import type { ProcessClock } from './process-clock';
import { SimSession } from './sim-session';
import type { SimWorld } from './sim.world';

const ALIVE_MS = 700;
const RETRY_MS = 300;

/** A gateway's inside: the real link and fan-out, on simulated time and network. */
export class SimEdge {
  readonly clock: ProcessClock;
  readonly link: RoomLink;
  readonly fanout: Fanout;
  readonly sessions = new Set<SimSession>();
  alive = true;
  cut = false;
  private readonly bus: LossyBus;
  private readonly wire: MemoryMessageBus;
  private made = 0;
  private flushing = false;

  constructor(
    readonly name: string,
    private readonly world: SimWorld,
  ) {
    const { clock, bus, wire } = world.spawn();
    this.clock = clock;
    this.bus = bus;
    this.wire = wire;
    const { bug } = world;
    this.link = new RoomLink(
      name,
      { bus, clock },
      { deadlineMs: 1_500, retryMs: RETRY_MS, pendingMax: 1_000 },
      {
        message: (room, epoch, seq, body) => {
          this.fanout.message(room, epoch, seq, body);
          this.flushLater();
        },
        piece: ({ gap, ...header }, bodies) => {
          this.fanout.piece(gap && bug !== 'forgotten gap' ? { ...header, gap } : header, bodies);
        },
        control: (record) => this.fanout.control(record),
        ownerChanged: (partition) => this.fanout.attachAgain(partition),
        reconnected: () => this.fanout.attachAgain(null),
        failed: (error) => world.failed(error),
      },
    );
    this.fanout = new Fanout(
      {
        clock,
        codec: (body) => Buffer.concat([body, NEWLINE]),
        send: (command) => this.link.send(bug === 'resume off by one' ? offByOne(command) : command),
        delivered: () => undefined,
        repaired: () => undefined,
      },
      { pieceBytes: 500, chunkBytes: 1_200, retryMs: RETRY_MS, joinWaitMs: 2_000 },
    );
    this.link.start();
    this.fanout.start();
    clock.every(ALIVE_MS, () => this.say({ edge: name }));
    this.say({ edge: name });
  }

  openSession(name: string, user: string): SimSession {
    const session = new SimSession(name, ++this.made, user, this, this.world);
    this.sessions.add(session);
    this.fanout.open(session);
    return session;
  }

  kill(): void {
    this.alive = false;
    for (const session of this.sessions) session.close();
    this.clock.kill();
    this.wire.cut();
  }

  setCut(cut: boolean): void {
    this.cut = cut;
    if (cut) this.wire.cut();
    else this.wire.heal();
  }

  private say(sign: { edge: string }): void {
    try {
      this.bus.publish(subjects.gatewayAlive, Buffer.from(JSON.stringify(sign)));
    } catch (error) {
      if (!(error instanceof BusUnavailable)) throw error;
    }
  }

  private flushLater(): void {
    if (this.flushing) return;
    this.flushing = true;
    this.clock.turnEnd(() => {
      this.flushing = false;
      this.fanout.distributeAll();
    });
  }
}

const NEWLINE = Buffer.from('\n');

/** A planted bug: the session claims one message more than it has. */
function offByOne<C extends Exclude<ActorCommand, { ref: number }>>(command: C): C {
  return command.t === 'resume' || command.t === 'lagging'
    ? { ...command, after: command.after + 1 }
    : command;
}
