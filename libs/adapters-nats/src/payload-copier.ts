const SLAB_BYTES = 65_536;
const SHARED_BYTES_MAX = 8_192;

/**
 * Copies payloads that the client keeps until the end of the turn, while their publisher may change them.
 * Small copies share a slab: an allocation for each would cost more than the copy.
 */
export class PayloadCopier {
  private slab = Buffer.alloc(0);
  private used = 0;

  copy(payload: Uint8Array): Buffer {
    if (payload.length > SHARED_BYTES_MAX) return Buffer.from(payload);
    if (this.used + payload.length > this.slab.length) {
      this.slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
      this.used = 0;
    }
    const at = this.used;
    this.slab.set(payload, at);
    this.used = at + payload.length;
    return this.slab.subarray(at, this.used);
  }
}
