/**
 * How much waits for rooms to load, in bytes, of all rooms that share it: a store that is away must not fill the memory
 * with what was to be said in a thousand sleeping rooms.
 */
export class Backlog {
  private held = 0;

  constructor(private readonly bytesMax: number) {}

  /** False when that would be too much. */
  take(bytes: number): boolean {
    if (this.held + bytes > this.bytesMax) return false;
    this.held += bytes;
    return true;
  }

  give(bytes: number): void {
    this.held -= bytes;
  }
}
