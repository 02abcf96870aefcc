/** Bounds of a ring: whichever is reached first. At least one message is always kept. */
export interface RingLimits {
  messagesMax: number;
  bytesMax: number;
}

/**
 * The last messages of a room, encoded, oldest first, addressed by seq.
 *
 * Keeps the seqs `floor + 1 … head` without holes. Appending is O(1) amortised; what it pushes out raises the floor.
 * There is one ring for a room whatever its size: a mailbox is only a position in it.
 */
export class Ring {
  private slots: (Uint8Array | undefined)[] = [];
  private bytes = 0;
  private lowest: number;
  private highest: number;

  /** An empty ring of a room whose newest message has the seq `head`. */
  constructor(
    private readonly limits: RingLimits,
    head: number,
  ) {
    this.lowest = head;
    this.highest = head;
  }

  /** The newest seq. */
  get head(): number {
    return this.highest;
  }

  /** The seq before the oldest that is kept. */
  get floor(): number {
    return this.lowest;
  }

  get length(): number {
    return this.highest - this.lowest;
  }

  get byteLength(): number {
    return this.bytes;
  }

  /** Keeps a message under the next seq and gives that seq. The caller must not change the bytes afterwards. */
  append(message: Uint8Array): number {
    if (this.length === this.slots.length) this.grow();
    const seq = ++this.highest;
    this.slots[seq % this.slots.length] = message;
    this.bytes += message.length;
    while (this.length > this.limits.messagesMax || (this.bytes > this.limits.bytesMax && this.length > 1)) {
      this.dropOldest();
    }
    return seq;
  }

  /** The bytes under a seq, or undefined if it is not kept (any more). */
  get(seq: number): Uint8Array | undefined {
    return seq > this.lowest && seq <= this.highest ? this.slots[seq % this.slots.length] : undefined;
  }

  private dropOldest(): void {
    const slot = ++this.lowest % this.slots.length;
    this.bytes -= this.slots[slot]?.length ?? 0;
    this.slots[slot] = undefined;
  }

  /** Quiet rooms keep a few slots, busy ones up to the limit. */
  private grow(): void {
    // One slot more than the limit, because append drops after it has put the newest in.
    const size = Math.min(this.limits.messagesMax + 1, Math.max(8, this.slots.length * 2));
    const larger = new Array<Uint8Array | undefined>(size).fill(undefined);
    for (let seq = this.lowest + 1; seq <= this.highest; seq++) {
      larger[seq % size] = this.slots[seq % this.slots.length];
    }
    this.slots = larger;
  }
}
