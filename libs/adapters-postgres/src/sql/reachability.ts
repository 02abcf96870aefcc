/** How often an unreachable database is asked again, in ms. */
const PROBE_PERIOD_MS = 500;

/**
 * Knows whether the database answers: from the statements that run anyway, and from a probe while it does not answer.
 */
export class Reachability {
  private reachable = false;
  private timer: NodeJS.Timeout | undefined;
  private closed = false;

  /** `probe` asks the database something cheap; its driver reports the result back here. */
  constructor(private readonly probe: () => Promise<unknown>) {}

  get up(): boolean {
    return this.reachable && !this.closed;
  }

  /** The database has answered, if only to refuse. */
  answered(): void {
    this.reachable = true;
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  /** The database has not answered. */
  failed(): void {
    this.reachable = false;
    this.askAfter(PROBE_PERIOD_MS);
  }

  /** Asks for the first time. */
  start(): void {
    this.askAfter(0);
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
  }

  private askAfter(delayMs: number): void {
    if (this.closed || this.timer) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      // A probe that fails asks again, whether or not the driver could tell.
      this.probe().catch(() => this.failed());
    }, delayMs);
    this.timer.unref();
  }
}
