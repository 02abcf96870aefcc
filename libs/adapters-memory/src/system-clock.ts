import type { Clock } from '@troupe/ports';

/** Longer delays overflow Node's timers, which then fire at once. */
const DELAY_MS_MAX = 2_147_483_647;

/**
 * The time of this machine: monotonic for decisions, UTC for people.
 * All `turnEnd` actions of a turn share one `setImmediate`; what they queue themselves runs in the next one.
 */
export class SystemClock implements Clock {
  private wallMs = -1;
  private wallText = '';
  private queued: (() => void)[] = [];
  private scheduled = false;

  /** `defer` calls back once the current turn of the event loop is over. */
  constructor(private readonly defer: (action: () => void) => void = setImmediate) {}

  nowMs(): number {
    return performance.now();
  }

  wallTime(): string {
    // Formatting costs ten times what asking for the time does, and many messages share a millisecond.
    const ms = Date.now();
    if (ms !== this.wallMs) {
      this.wallMs = ms;
      this.wallText = new Date(ms).toISOString();
    }
    return this.wallText;
  }

  after(delayMs: number, action: () => void): () => void {
    const timer = setTimeout(action, checked(delayMs));
    return () => clearTimeout(timer);
  }

  every(periodMs: number, action: () => void): () => void {
    const timer = setInterval(action, checked(periodMs));
    return () => clearInterval(timer);
  }

  turnEnd(action: () => void): void {
    this.queued.push(action);
    this.schedule();
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    this.defer(this.run);
  }

  private readonly run = (): void => {
    const actions = this.queued;
    this.queued = [];
    this.scheduled = false;
    let done = 0;
    try {
      while (done < actions.length) actions[done++]!();
    } finally {
      // Only after an action threw: the error goes on its way, the other actions still get their turn, first in line.
      if (done < actions.length) {
        this.queued = [...actions.slice(done), ...this.queued];
        this.schedule();
      }
    }
  };
}

function checked(ms: number): number {
  if (!(ms >= 0 && ms <= DELAY_MS_MAX)) throw new RangeError(`not a delay in milliseconds: ${ms}`);
  return ms;
}
