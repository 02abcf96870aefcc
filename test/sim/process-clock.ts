import type { Clock } from '@troupe/ports';
import type { SimClock } from '@troupe/testing';

interface Held {
  action: () => void;
  why: 'timer' | 'arrival';
}

/**
 * The clock of one simulated process. Paused, as by SIGSTOP, nothing of the process happens while time goes on; resumed,
 * everything that came due happens at once: in order, or what arrived before what its own timers do. Killed, nothing ever happens again.
 */
export class ProcessClock implements Clock {
  private state: 'running' | 'paused' | 'dead' = 'running';
  private held: Held[] = [];

  constructor(private readonly base: SimClock) {}

  get paused(): boolean {
    return this.state === 'paused';
  }

  nowMs(): number {
    return this.base.nowMs();
  }

  wallTime(): string {
    return this.base.wallTime();
  }

  after(delayMs: number, action: () => void): () => void {
    let cancelled = false;
    const act = (): void => {
      if (!cancelled) action();
    };
    this.base.after(delayMs, () => this.run(act, 'timer'));
    return () => {
      cancelled = true;
    };
  }

  /** Something from outside reaches the process after so long. */
  arrives(delayMs: number, action: () => void): void {
    this.base.after(delayMs, () => this.run(action, 'arrival'));
  }

  every(periodMs: number, action: () => void): () => void {
    let due = false;
    let stopped = false;
    const stop = this.base.every(periodMs, () => {
      // However long the pause, a timer of a real process fires once after it.
      if (due) return;
      due = true;
      this.run(() => {
        due = false;
        if (!stopped) action();
      }, 'timer');
    });
    return () => {
      stopped = true;
      stop();
    };
  }

  turnEnd(action: () => void): void {
    this.base.turnEnd(() => this.run(action, 'timer'));
  }

  /** Does something in the process's name, when the process runs. */
  run(action: () => void, why: Held['why']): void {
    if (this.state === 'running' && this.held.length === 0) action();
    else if (this.state !== 'dead') this.held.push({ action, why });
  }

  pause(): void {
    if (this.state === 'running') this.state = 'paused';
  }

  resume(order: 'as it came' | 'arrivals first' = 'as it came'): void {
    if (this.state !== 'paused') return;
    this.state = 'running';
    if (order === 'arrivals first') {
      const arrivals = this.held.filter(({ why }) => why === 'arrival');
      this.held = [...arrivals, ...this.held.filter(({ why }) => why !== 'arrival')];
    }
    this.catchUp();
  }

  kill(): void {
    this.state = 'dead';
    this.held = [];
  }

  /** One turn each: what one of them queues for the end of its turn happens before the next. */
  private catchUp(): void {
    if (this.state !== 'running' || this.held.length === 0) return;
    this.held[0]?.action();
    this.held.shift();
    if (this.held.length > 0) this.base.after(0, () => this.catchUp());
  }
}
