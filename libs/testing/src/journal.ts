const DEADLINE_MS = 10_000;

/** What happened, in order. Tests wait for an entry instead of sleeping. */
export class Journal {
  readonly entries: string[] = [];
  private readonly waiting = new Set<() => void>();

  note(entry: string): void {
    this.entries.push(entry);
    for (const wake of this.waiting) wake();
  }

  /** Resolves when `enough`, which is asked after each entry; rejects with all entries at the deadline. */
  until(enough: () => boolean, deadlineMs = DEADLINE_MS): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (action: () => void): void => {
        clearTimeout(timer);
        this.waiting.delete(look);
        action();
      };
      const look = (): void => {
        if (enough()) end(resolve);
      };
      const timer = setTimeout(
        () => end(() => reject(new Error(`not within ${deadlineMs} ms; so far ${this.entries.join(', ')}`))),
        deadlineMs,
      );
      this.waiting.add(look);
      look();
    });
  }

  /** Resolves when there is such an entry. */
  has(entry: string, deadlineMs?: number): Promise<void> {
    return this.until(() => this.entries.includes(entry), deadlineMs);
  }
}
