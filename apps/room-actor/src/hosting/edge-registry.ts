import { BusUnavailable, type Clock, type MessageBus } from '@troupe/ports';
import { GatewayStreamWriter, type Subject, subjects } from '@troupe/protocol';
import type { EdgeSink } from '@troupe/room';

/** Past this many bytes an edge's records leave before the turn ends, so that one turn cannot grow without bound. */
const FLUSH_BYTES = 256 * 1024;

/** One edge's ordered stream: records of a turn leave in one bus message. */
class EdgeStream extends GatewayStreamWriter implements EdgeSink {
  readonly subject: Subject;
  heardAtMs: number;
  dirty = false;

  constructor(
    readonly id: string,
    nowMs: number,
    private readonly registry: EdgeRegistry,
  ) {
    super();
    this.subject = subjects.gateway(id);
    this.heardAtMs = nowMs;
  }

  protected override wrote(): void {
    if (!this.dirty) this.registry.markDirty(this);
    if (this.length > FLUSH_BYTES) this.registry.send(this);
  }
}

/** Knows the edges that talk to this pod, and forgets those that have not been heard of for a while. */
export class EdgeRegistry {
  private readonly edges = new Map<string, EdgeStream>();
  private dirty: EdgeStream[] = [];

  constructor(
    private readonly bus: MessageBus,
    private readonly clock: Clock,
    private readonly ttlMs: number,
    private readonly onGone: (edge: EdgeSink) => void,
  ) {}

  /** Gives the edge's stream; hearing from an edge keeps it alive. */
  heard(id: string): EdgeSink {
    let edge = this.edges.get(id);
    if (!edge) this.edges.set(id, (edge = new EdgeStream(id, this.clock.nowMs(), this)));
    edge.heardAtMs = this.clock.nowMs();
    return edge;
  }

  /** Forgets edges that are gone; their sessions leave all rooms. */
  sweep(): void {
    const oldest = this.clock.nowMs() - this.ttlMs;
    for (const edge of this.edges.values()) if (edge.heardAtMs < oldest) this.forget(edge.id);
  }

  /** An edge said good-bye. */
  forget(id: string): void {
    const edge = this.edges.get(id);
    if (!edge) return;
    this.edges.delete(id);
    this.onGone(edge);
  }

  /** Hands everything that was written to the bus now, rather than at the end of the turn. */
  flush(): void {
    const dirty = this.dirty;
    this.dirty = [];
    for (const edge of dirty) {
      edge.dirty = false;
      this.send(edge);
    }
  }

  markDirty(edge: EdgeStream): void {
    edge.dirty = true;
    if (this.dirty.push(edge) === 1) this.clock.turnEnd(() => this.flush());
  }

  send(edge: EdgeStream): void {
    if (edge.length === 0) return;
    const bytes = edge.take();
    try {
      this.bus.publish(edge.subject, bytes);
    } catch (error) {
      // The records are lost, as they may be on any hop; the edge finds the hole by seq.
      if (!(error instanceof BusUnavailable)) throw error;
    }
  }
}
