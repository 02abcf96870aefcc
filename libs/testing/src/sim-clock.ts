import type { Clock } from '@troupe/ports';
import { TimerQueue } from './timer-queue';

/** A turn that queues its own end more often than this never ends. */
const PASSES_MAX = 10_000;
/** 2030-01-01T00:00:00.000Z: a time that no test depends on by chance. */
const START_WALL_MS = 1_893_456_000_000;

/**
 * A clock that stands still until it is told to go on.
 *
 * {@link advance} runs everything that becomes due, in the order of due times, timers of one time in the order in which
 * they were set; after each timer the turn ends. Promises settle only between turns of the real event loop: a test whose
 * parts await something uses {@link run}, which lets them settle after each step.
 */
export class SimClock implements Clock {
  private now = 0;
  private readonly timers = new TimerQueue();
  private ends: (() => void)[] = [];

  constructor(private readonly startWallMs = START_WALL_MS) {}

  nowMs(): number {
    return this.now;
  }

  wallTime(): string {
    return new Date(this.startWallMs + Math.floor(this.now)).toISOString();
  }

  after(delayMs: number, action: () => void): () => void {
    return this.timers.add(this.now + checked(delayMs), action);
  }

  every(periodMs: number, action: () => void): () => void {
    if (!(periodMs > 0)) throw new RangeError(`not a period in milliseconds: ${periodMs}`);
    let cancel: () => void;
    const again = (): void => {
      cancel = this.after(periodMs, again);
      action();
    };
    cancel = this.after(periodMs, again);
    return () => cancel();
  }

  turnEnd(action: () => void): void {
    this.ends.push(action);
  }

  /** When the next timer is due, or undefined if there is none. */
  get nextDueMs(): number | undefined {
    return this.timers.nextDueMs;
  }

  /** Ends the turn: runs what {@link turnEnd} queued, and what that queued in turn, pass by pass. */
  endTurn(): void {
    for (let passes = 0; this.ends.length > 0; passes++) {
      if (passes === PASSES_MAX) throw new Error('the turn never ends: its end queues itself again');
      const actions = this.ends;
      this.ends = [];
      for (const action of actions) action();
    }
  }

  /** Lets `ms` pass, without letting promises settle. */
  advance(ms: number): void {
    const target = this.now + checked(ms);
    this.endTurn();
    while (this.step(target)) this.endTurn();
    this.now = target;
  }

  /** Lets `ms` pass; after each timer, promises settle and turns end until nothing moves any more. */
  async run(ms: number): Promise<void> {
    const target = this.now + checked(ms);
    await this.settle();
    while (this.step(target)) await this.settle();
    this.now = target;
  }

  /** Lets no time pass, but everything that needs none: promises and ends of turns. */
  async settle(): Promise<void> {
    for (let passes = 0; ; passes++) {
      if (passes === PASSES_MAX) throw new Error('the turn never ends: its end queues itself again');
      // After this, every chain of promises has run as far as it can: they are microtasks.
      await new Promise((resolve) => setImmediate(resolve));
      if (this.ends.length === 0) return;
      this.endTurn();
    }
  }

  private step(target: number): boolean {
    const due = this.timers.takeDue(target);
    if (!due) return false;
    this.now = due.atMs;
    due.action();
    return true;
  }
}

function checked(ms: number): number {
  if (!(ms >= 0 && ms < Infinity)) throw new RangeError(`not a delay in milliseconds: ${ms}`);
  return ms;
}
