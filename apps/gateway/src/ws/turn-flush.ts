import type { Clock } from '@troupe/ports';
import type { FlushQueue, SocketOutlet } from './socket-outlet';

/**
 * Ends a turn: first the rooms' streams are given to the sessions, then each socket is written once. Everything that
 * arrived in the turn, from sockets and from actors, is in that one write.
 */
export class TurnFlush implements FlushQueue {
  private outlets: SocketOutlet[] = [];
  private scheduled = false;
  /** Gives the rooms' streams to the sessions. */
  distribute: () => void = () => undefined;

  constructor(private readonly clock: Clock) {}

  add(outlet: SocketOutlet): void {
    this.outlets.push(outlet);
    this.schedule();
  }

  /** Something waits to be distributed or written. */
  schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    this.clock.turnEnd(() => this.run());
  }

  private run(): void {
    this.distribute();
    // Cleared only now: what distributing adds belongs to this very flush.
    this.scheduled = false;
    const outlets = this.outlets;
    this.outlets = [];
    for (const outlet of outlets) outlet.flush();
  }
}
