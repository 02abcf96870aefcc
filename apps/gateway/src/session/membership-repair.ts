import type { Clock, RoomDirectory } from '@troupe/ports';
import type { RoomHead } from '@troupe/protocol';

const RETRY_MS = 1_000;

/**
 * Reads the rooms of users again whose notices may have been lost, until each was read and compared once.
 * One user after the other: this is no hurry, and the store has others to serve after an outage.
 */
export class MembershipRepair {
  private readonly unsure = new Set<string>();
  private reading: string | null = null;
  private running = false;
  private cancelRetry: (() => void) | null = null;

  /** `compare` says whether it could: false, and the user is read once more a little later. */
  constructor(
    private readonly clock: Clock,
    private readonly directory: Pick<RoomDirectory, 'headsOf'>,
    private readonly compare: (user: string, rooms: readonly RoomHead[]) => boolean,
    private readonly onError: (error: unknown) => void,
  ) {}

  /** Notices for these users may have been lost. */
  start(users: Iterable<string>): void {
    for (const user of users) this.unsure.add(user);
    if (!this.running) void this.run();
  }

  /** A notice came: what is being read of that user may be older than it. */
  noticed(user: string): void {
    if (user === this.reading) this.unsure.add(user);
  }

  stop(): void {
    this.cancelRetry?.();
    this.unsure.clear();
  }

  private async run(): Promise<void> {
    this.running = true;
    this.cancelRetry?.();
    const postponed: string[] = [];
    try {
      // A user who is added while being read is visited again.
      for (const user of this.unsure) {
        this.unsure.delete(user);
        this.reading = user;
        const rooms = await this.directory.headsOf(user);
        if (!this.unsure.has(user) && !this.compare(user, rooms)) postponed.push(user);
      }
    } catch (error) {
      if (this.reading !== null) postponed.push(this.reading);
      this.onError(error);
    }
    this.reading = null;
    this.running = false;
    for (const user of postponed) this.unsure.add(user);
    if (this.unsure.size > 0) this.cancelRetry = this.clock.after(RETRY_MS, () => void this.run());
  }
}
