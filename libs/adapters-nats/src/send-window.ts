import { BusUnavailable } from '@troupe/ports';

/**
 * Bounds the bytes that are on their way to the server over one connection.
 *
 * The client says nothing about what it and the socket hold, so this counts: sent minus what the server has confirmed.
 * A confirmation is a PONG, asked for only once a share of the window is used, so that light traffic pays nothing.
 */
export class SendWindow {
  private sentBytes = 0;
  private confirmedBytes = 0;
  private asking = false;
  private readonly askAfterBytes: number;

  constructor(
    private readonly pendingBytesMax: number,
    /** Resolves when the server has everything that was sent before the call; rejects when the connection is gone. */
    private readonly confirm: () => Promise<void>,
  ) {
    this.askAfterBytes = Math.floor(pendingBytesMax / 16);
  }

  /** Counts a message that is about to be sent, or throws `BusUnavailable`. One message alone always fits. */
  take(bytes: number): void {
    const pending = this.sentBytes - this.confirmedBytes;
    if (pending > 0 && pending + bytes > this.pendingBytesMax) {
      throw new BusUnavailable('too much waits to be sent');
    }
    this.sentBytes += bytes;
    if (pending + bytes > this.askAfterBytes && !this.asking) this.ask();
  }

  private ask(): void {
    this.asking = true;
    const asked = this.sentBytes;
    // At the end of the turn: asking sends what waits, and the rest of the turn's messages shall share that write.
    queueMicrotask(() => {
      this.confirm().then(
        () => this.confirmed(asked),
        () => {
          // The connection is gone, and this window with it: it stays as full as it is.
        },
      );
    });
  }

  private confirmed(asked: number): void {
    this.confirmedBytes = asked;
    this.asking = false;
    if (this.sentBytes - this.confirmedBytes > this.askAfterBytes) this.ask();
  }
}
