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
  private queue: Uint8Array[] = [];
  private queuedBytes = 0;

  constructor(
    private readonly socket: Duplex,
    private readonly limits: OutletLimits,
    private readonly flushes: FlushQueue,
    private readonly onSlow: () => void,
  ) {}

  get writable(): boolean {
    return this.unsentBytes < this.limits.highWaterBytes;
  }

  /** What waits in this process; the kernel's buffer is not counted. */
  get unsentBytes(): number {
    return this.socket.writableLength + this.queuedBytes;
  }

  write(frames: Uint8Array): void {
    this.queuedBytes += frames.length;
    if (this.queue.push(frames) === 1) this.flushes.add(this);
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
    const { queue, queuedBytes, socket } = this;
    if (queue.length === 0) return;
    const [first] = queue;
    this.queuedBytes = 0;
    if (!socket.writable || !first) {
      this.queue = [];
      return;
    }
    if (queue.length === 1) {
      queue.length = 0;
      socket.write(first);
      return;
    }
    this.queue = [];
    if (queuedBytes <= COPY_BYTES_MAX) {
      socket.write(Buffer.concat(queue, queuedBytes));
      return;
    }
    socket.cork();
    for (const frames of queue) socket.write(frames);
    socket.uncork();
  }

  /** Forgets what has not been written; for a socket that is closing. */
  discard(): void {
    this.queue = [];
    this.queuedBytes = 0;
  }
}
