import { Duplex } from 'node:stream';
import { type WireFrame, serverFrames } from './wire';

/** The server's end of a connection without a network: what is written is taken as fast as the test lets it. */
export class TestSocket extends Duplex {
  /** What each write handed over; what was corked together is one. */
  readonly writes: Buffer[] = [];
  bytesRead = 0;
  private holding = false;
  private held: (() => void) | null = null;

  constructor(writableHighWaterMark = 16_384) {
    super({ writableHighWaterMark });
  }

  override _read(): void {
    return;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.handOver(chunk, done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    this.handOver(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }

  /** From now on nothing is taken: the reader at the other end does not read. */
  hold(): void {
    this.holding = true;
  }

  /** Takes what stands first in line, and no more. */
  takeOne(): void {
    const { held } = this;
    this.held = null;
    held?.();
  }

  /** Takes everything again. */
  release(): void {
    this.holding = false;
    this.takeOne();
  }

  /** Bytes arrive from the other end. */
  deliver(bytes: Buffer): void {
    this.bytesRead += bytes.length;
    this.push(bytes);
  }

  /** Everything that was taken so far, as frames. */
  get frames(): WireFrame[] {
    return serverFrames(Buffer.concat(this.writes));
  }

  private handOver(bytes: Buffer, done: () => void): void {
    const take = (): void => {
      this.writes.push(bytes);
      done();
    };
    if (this.holding) this.held = take;
    else take();
  }
}
