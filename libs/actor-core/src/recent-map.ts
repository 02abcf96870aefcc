/**
 * A map that keeps the newest `max` keys, in order of insertion, and forgets the oldest.
 *
 * The order is a ring of keys beside the map: asking a map for its oldest key makes an iterator each time.
 */
export class RecentMap<K, V> {
  private readonly map = new Map<K, V>();
  private readonly order: K[] = [];
  private next = 0;

  constructor(private readonly max: number) {}

  get size(): number {
    return this.map.size;
  }

  get(key: K): V | undefined {
    return this.map.get(key);
  }

  /** Keeps a value; a key that is there already keeps its age. */
  set(key: K, value: V): void {
    if (this.max === 0) return;
    const before = this.map.size;
    this.map.set(key, value);
    if (this.map.size === before) return;
    if (this.order.length < this.max) {
      this.order.push(key);
      return;
    }
    const oldest = this.order[this.next] ?? key;
    this.order[this.next] = key;
    this.next = (this.next + 1) % this.max;
    this.map.delete(oldest);
  }
}
