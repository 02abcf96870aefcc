import type { CommitRow } from '@troupe/ports';

export interface StoredMessage extends CommitRow {
  /** The epoch of the owner that wrote it. */
  epoch: number;
}

/** The committed messages of one room, rising in seq. */
export class MessageLog {
  readonly rows: StoredMessage[] = [];
  private readonly sent = new Map<string, StoredMessage>();

  get newestSeq(): number {
    return this.rows.at(-1)?.seq ?? 0;
  }

  /** The message of which `row` is a repeat: the same id, or the same sender and `clientId`. */
  repeated(row: CommitRow): StoredMessage | undefined {
    for (const key of keysOf(row)) {
      const found = this.sent.get(key);
      if (found) return found;
    }
    return undefined;
  }

  has(seq: number): boolean {
    return this.rows[this.firstFrom(seq)]?.seq === seq;
  }

  /** Adds a message that repeats none and whose seq is free. */
  add(row: StoredMessage): void {
    this.rows.splice(this.firstFrom(row.seq), 0, row);
    for (const key of keysOf(row)) this.sent.set(key, row);
  }

  /** The index of the first message with this seq or a higher one. */
  firstFrom(seq: number): number {
    let low = 0;
    let high = this.rows.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.rows[middle]!.seq < seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Under what repeats meet. The prefixes keep a `clientId` from meeting an id. */
function keysOf({ id, from, clientId }: CommitRow): string[] {
  return clientId === null ? [`m:${id}`] : [`m:${id}`, `c:${from}\u0000${clientId}`];
}
