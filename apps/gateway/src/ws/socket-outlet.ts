import type { Duplex } from 'node:stream';
import type { Outlet } from '@troupe/edge';

/** Below this, frames of one turn are copied together; above, they go out as they are in one gathered write. */
const COPY_BYTES_MAX = 16 * 1024;

export interface OutletLimits {
  /** Unsent bytes from which on no more messages are written. */
  highWaterBytes: number;
  /** Unsent bytes at which a reader that does not even take replies and events is closed. */
  closeBytes: number;
}

/** Collects the sockets that have something to write in this turn. */
export interface FlushQueue {
  add(outlet: SocketOutlet): void;
}

/** One socket's way out: whatever is given to it in a turn leaves in one write. */
export class SocketOutlet implements Outlet {
  /** Most turns have one chunk for a socket, which then needs no list. */
  private first: Uint8Array | null = null;
  private others: Uint8Array[] | null = null;
  private queuedBytes = 0;
  private givenBytes = 0;
  private closed = false;

  constructor(
    private readonly socket: Duplex,
    private readonly limits: OutletLimits,
    private readonly flushes: FlushQueue,
    private readonly onSlow: () => void,
  ) {}

  get writable(): boolean {
    return this.unsentBytes < this.limits.highWaterBytes;
  }

  /** What the kernel has taken so far. */
  get sentBytes(): number {
    return this.givenBytes - this.unsentBytes;
  }

  /** What waits in this process; the kernel's buffer is not counted. */
  get unsentBytes(): number {
    return this.socket.writableLength + this.queuedBytes;
  }

  write(frames: Uint8Array, last = false): void {
    if (this.closed) return;
    this.givenBytes += frames.length;
    if (last && this.first === null) {
      this.socket.write(frames);
      return;
    }
    this.queuedBytes += frames.length;
    if (this.first === null) {
      this.first = frames;
      this.flushes.add(this);
    } else if (this.others === null) {
      this.others = [frames];
    } else {
      this.others.push(frames);
    }
  }

  control(frame: Uint8Array): void {
    this.write(frame);
    if (this.unsentBytes > this.limits.closeBytes) this.onSlow();
  }

  overflow(): void {
    this.onSlow();
  }

  /** Writes what the turn collected. */
  flush(): void {
    const { first, others, queuedBytes, socket } = this;
    this.discard();
    // A socket that is being destroyed takes the bytes and forgets them.
    if (first === null) return;
    if (others === null) {
      socket.write(first);
    } else if (queuedBytes <= COPY_BYTES_MAX) {
      socket.write(Buffer.concat([first, ...others], queuedBytes));
    } else {
      socket.cork();
      socket.write(first);
      for (const frames of others) socket.write(frames);
      socket.uncork();
    }
  }

  /** Writes what there is, and nothing ever after: a close frame comes next. */
  finish(): void {
    this.flush();
    this.closed = true;
  }

  /** Forgets what has not been written, and writes nothing ever after. */
  abandon(): void {
    this.discard();
    this.closed = true;
  }

  private discard(): void {
    this.first = null;
    this.others = null;
    this.queuedBytes = 0;
  }
}
