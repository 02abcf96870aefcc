interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly action: () => void;
  cancelled: boolean;
}

/** Timers in the order in which they are due; those of one time in the order in which they were added. */
export class TimerQueue {
  /** A binary heap: simulated clusters hold thousands of timers. */
  private readonly heap: Timer[] = [];
  private added = 0;

  /** Returns a function that cancels. */
  add(atMs: number, action: () => void): () => void {
    const timer: Timer = { atMs, order: this.added++, action, cancelled: false };
    this.heap.push(timer);
    this.rise(this.heap.length - 1);
    return () => {
      timer.cancelled = true;
    };
  }

  get nextDueMs(): number | undefined {
    this.dropCancelled();
    return this.heap[0]?.atMs;
  }

  /** Takes out the first timer that is due at `nowMs` or before. */
  takeDue(nowMs: number): { atMs: number; action: () => void } | undefined {
    this.dropCancelled();
    const first = this.heap[0];
    if (!first || first.atMs > nowMs) return undefined;
    this.removeFirst();
    return first;
  }

  private dropCancelled(): void {
    while (this.heap[0]?.cancelled) this.removeFirst();
  }

  private removeFirst(): void {
    const last = this.heap.pop()!;
    if (this.heap.length === 0) return;
    this.heap[0] = last;
    this.sink();
  }

  private rise(from: number): void {
    for (let at = from; at > 0;) {
      const parent = (at - 1) >>> 1;
      if (!before(this.heap[at]!, this.heap[parent]!)) return;
      this.swap(at, parent);
      at = parent;
    }
  }

  private sink(): void {
    for (let at = 0; ;) {
      const left = 2 * at + 1;
      let first = at;
      for (const child of [left, left + 1]) {
        const timer = this.heap[child];
        if (timer && before(timer, this.heap[first]!)) first = child;
      }
      if (first === at) return;
      this.swap(at, first);
      at = first;
    }
  }

  private swap(a: number, b: number): void {
    [this.heap[a], this.heap[b]] = [this.heap[b]!, this.heap[a]!];
  }
}

function before(a: Timer, b: Timer): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
