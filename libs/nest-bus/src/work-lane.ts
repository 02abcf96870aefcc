/**
 * Runs tasks, a bounded number at once, in the order in which they came, and lets a bounded number wait.
 * `0 ≤ running ≤ concurrency`, and nothing waits while fewer run. Tasks must not reject.
 */
export class WorkLane {
  private running = 0;
  private waiting: (() => Promise<void>)[] = [];
  private onIdle: (() => void)[] = [];

  constructor(
    private readonly concurrency: number,
    private readonly waitingMax: number,
  ) {}

  /** False when as many wait as may: the task will not run. */
  offer(task: () => Promise<void>): boolean {
    if (this.running < this.concurrency) void this.run(task);
    else if (this.waiting.length < this.waitingMax) this.waiting.push(task);
    else return false;
    return true;
  }

  /** Resolves when nothing runs or waits. */
  idle(): Promise<void> {
    if (this.running === 0) return Promise.resolve();
    return new Promise((resolve) => this.onIdle.push(resolve));
  }

  private async run(task: () => Promise<void>): Promise<void> {
    this.running += 1;
    try {
      await task();
    } finally {
      this.running -= 1;
      const next = this.waiting.shift();
      if (next) void this.run(next);
      else if (this.running === 0) for (const resolve of this.onIdle.splice(0)) resolve();
    }
  }
}
