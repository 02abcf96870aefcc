import { performance } from 'node:perf_hooks';
import type { ServerFrame, ServerFrameType } from '@troupe/protocol';

export type FrameOf<T extends ServerFrameType> = Extract<ServerFrame, { type: T }>;

export interface LoggedFrame {
  /** Orders all frames that this process received, over all of its clients. */
  n: number;
  /** Monotonic milliseconds. */
  atMs: number;
  frame: ServerFrame;
}

interface Waiter {
  /** Takes the frame and gives true, or leaves it. */
  offer(frame: ServerFrame): boolean;
  fail(error: Error): void;
}

const DEADLINE_MS = 5_000;
const SHOWN_MAX = 8;
let received = 0;

/** The frames that one client received, and a way to wait for one of them by what it says. */
export class FrameLog {
  readonly all: LoggedFrame[] = [];
  private readonly untaken: ServerFrame[] = [];
  private readonly waiters = new Set<Waiter>();
  private readonly listeners = new Set<(frame: ServerFrame) => void>();
  private ended: Error | null = null;

  /** With `keep` false nothing is stored: only those see a frame who are waiting when it comes. */
  constructor(private readonly keep: boolean) {}

  push(frame: ServerFrame): void {
    const logged = { n: received++, atMs: performance.now(), frame };
    if (this.keep) this.all.push(logged);
    for (const listener of this.listeners) listener(frame);
    for (const waiter of this.waiters) if (waiter.offer(frame)) return;
    if (this.keep) this.untaken.push(frame);
  }

  /**
   * Gives the oldest frame of the type that fits and that nobody took yet, at once or as soon as it comes; each frame
   * is given once. Rejects when `deadlineMs` pass, or when the socket is closed, and says which frames came instead.
   */
  next<T extends ServerFrameType>(
    type: T,
    where: (frame: FrameOf<T>) => boolean = () => true,
    deadlineMs = DEADLINE_MS,
  ): Promise<FrameOf<T>> {
    return this.nextWhere(
      type,
      (frame): frame is FrameOf<T> => frame.type === type && where(frame as FrameOf<T>),
      deadlineMs,
    );
  }

  /** As {@link next}, over frames of any type. `what` names the expectation in errors. */
  nextWhere<F extends ServerFrame>(
    what: string,
    fits: (frame: ServerFrame) => frame is F,
    deadlineMs = DEADLINE_MS,
  ): Promise<F> {
    const at = this.untaken.findIndex(fits);
    const [found] = at === -1 ? [] : this.untaken.splice(at, 1);
    if (found !== undefined && fits(found)) return Promise.resolve(found);
    if (this.ended) return Promise.reject(this.missing(what, this.ended.message));
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer);
        this.waiters.delete(waiter);
      };
      const waiter: Waiter = {
        offer: (frame) => {
          if (!fits(frame)) return false;
          settle();
          resolve(frame);
          return true;
        },
        fail: (error) => {
          settle();
          reject(this.missing(what, error.message));
        },
      };
      const timer = setTimeout(() => waiter.fail(new Error(`not within ${deadlineMs} ms`)), deadlineMs);
      this.waiters.add(waiter);
    });
  }

  /** Calls `listener` for every frame as it comes. Returns a function that stops it. */
  onFrame(listener: (frame: ServerFrame) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** No more frames will come: everybody who waits is told why. */
  end(reason: Error): void {
    this.ended = reason;
    for (const waiter of [...this.waiters]) waiter.fail(reason);
  }

  private missing(what: string, why: string): Error {
    const last = this.all.slice(-SHOWN_MAX).map(({ frame }) => JSON.stringify(frame).slice(0, 200));
    return new Error(`no frame ${what}: ${why}; the last ones were:\n${last.join('\n')}`);
  }
}
