import type { Clock } from '@troupe/ports';

/** What was read of a room: null if there is nothing, `failed` if the store could not be asked. */
type Done<T> = (found: T | null | 'failed') => void;

/** Reads something of rooms: of all that were asked for in one turn, in one query. */
export class RoomLoader<T> {
  private wanted = new Map<string, Done<T>[]>();
  private running = false;

  constructor(
    private readonly read: (rooms: string[]) => Promise<ReadonlyMap<string, T>>,
    /** Rooms in one query at most. */
    private readonly batchMax: number,
    private readonly clock: Clock,
    private readonly onError: (error: unknown) => void,
  ) {}

  load(room: string, done: Done<T>): void {
    const others = this.wanted.get(room);
    if (others) return void others.push(done);
    this.wanted.set(room, [done]);
    if (this.wanted.size === 1 && !this.running) this.clock.turnEnd(() => void this.run());
  }

  private async run(): Promise<void> {
    if (this.running) return;
    this.running = true;
    while (this.wanted.size > 0) {
      const batch = [...this.wanted].slice(0, this.batchMax);
      for (const [room] of batch) this.wanted.delete(room);
      let found: ReadonlyMap<string, T> | null = null;
      try {
        found = await this.read(batch.map(([room]) => room));
      } catch (error) {
        this.onError(error);
      }
      for (const [room, waiting] of batch) {
        for (const done of waiting) this.tell(done, found ? (found.get(room) ?? null) : 'failed');
      }
    }
    this.running = false;
  }

  private tell(done: Done<T>, found: T | null | 'failed'): void {
    try {
      done(found);
    } catch (error) {
      // One room's bug must not keep the others from loading.
      this.onError(error);
    }
  }
}
