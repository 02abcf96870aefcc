import type { SimEdge } from './sim-edge';
import type { SimWorld } from './sim.world';

const ATTEMPTS_MAX = 6;
/** Longer than the edge's deadline and the longest pause of an edge together. */
const PATIENCE_MS = 4_000;

/** A client that publishes, and tries again with the same `clientId` where it does not know what became of it. */
export class SimPublisher {
  private sent = 0;
  private attempts = 0;
  unanswered = 0;

  constructor(
    readonly user: string,
    private readonly world: SimWorld,
    private readonly edges: () => readonly SimEdge[],
  ) {}

  publish(room: string): void {
    const clientId = `c${++this.sent}`;
    this.attempt({ room, clientId, text: `${this.user} says ${clientId} in ${room}` }, 1);
  }

  private attempt(m: { room: string; clientId: string; text: string }, count: number): void {
    const { world, user } = this;
    const edges = this.edges();
    if (edges.length === 0) return;
    const edge = world.random.pick(edges);
    const { room, clientId, text } = m;
    const send = {
      session: `${user}@${edge.name}`,
      room,
      sender: user,
      clientId,
      attempt: String(++this.attempts),
    };
    world.recorder.add({ t: 'send', ...send, text });
    this.unanswered++;
    let done = false;
    const settle = (): boolean => {
      if (done) return false;
      done = true;
      this.unanswered--;
      return true;
    };
    const again = (): void => {
      if (count < ATTEMPTS_MAX)
        world.clock.after(50 + world.random.below(400), () => this.attempt(m, count + 1));
    };
    // A gateway that died answers nothing: its client gives up and tries another.
    world.clock.after(PATIENCE_MS, () => settle() && again());
    edge.link.publish({ room, from: user, id: world.ids.uuid(), clientId, text }, (result) => {
      if (!settle()) return world.violated(`publish ${send.attempt} of ${user} was answered late or twice`);
      if ('code' in result) {
        world.recorder.add({ t: 'error', ...send, code: result.code });
        return again();
      }
      const { seq, id } = result;
      world.recorder.add({ t: 'ack', ...send, seq, id });
      this.isStored(room, seq, id);
    });
  }

  /** Acked means durable, at this very moment. */
  private isStored(room: string, seq: number, id: string): void {
    const { database } = this.world;
    if (!database.rooms.get(room)?.settings.durable) return;
    const log = database.log(room);
    if (log.rows[log.firstFrom(seq)]?.id !== id)
      this.world.violated(`${id} was acked as seq ${seq} of ${room}, but is not in the store`);
  }
}
