import type { RoomRecord, RoomStore } from '@troupe/ports';
import type { Clock } from '@troupe/ports';

/** Rooms loaded in one query at most. */
const BATCH_MAX = 200;

/** Loads rooms: all that were asked for in one turn, in one query. */
export class RoomLoader {
  private wanted = new Map<string, (record: RoomRecord | null | 'failed') => void>();
  private running = false;

  constructor(
    private readonly store: RoomStore,
    private readonly clock: Clock,
    private readonly onError: (error: unknown) => void,
  ) {}

  load(room: string, done: (record: RoomRecord | null | 'failed') => void): void {
    this.wanted.set(room, done);
    if (this.wanted.size === 1 && !this.running) this.clock.turnEnd(() => void this.run());
  }

  private async run(): Promise<void> {
    if (this.running) return;
    this.running = true;
    while (this.wanted.size > 0) {
      const batch = [...this.wanted].slice(0, BATCH_MAX);
      for (const [room] of batch) this.wanted.delete(room);
      let found: Map<string, RoomRecord> | null = null;
      try {
        found = await this.store.load(batch.map(([room]) => room));
      } catch (error) {
        this.onError(error);
      }
      for (const [room, done] of batch) {
        try {
          done(found ? (found.get(room) ?? null) : 'failed');
        } catch (error) {
          // One room's bug must not keep the others from loading.
          this.onError(error);
        }
      }
    }
    this.running = false;
  }
}
