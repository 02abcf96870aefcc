import { RecentMap } from '@troupe/actor-core';
import type { JsonObject } from '@troupe/protocol';
import type { EdgeSink } from './edge-sink';

/** Where an answer goes. */
export interface ReplyTo {
  edge: EdgeSink;
  ref: number;
}

/** A message that has its place in the order but is not yet durable. `seq` changes if one before it turns out a repeat. */
export interface PendingMessage {
  room: string;
  seq: number;
  id: string;
  from: string;
  clientId: string | undefined;
  text: string;
  data: JsonObject | undefined;
  at: string;
  replyTo: ReplyTo[];
  /** Under which a repeat of it is recognised. */
  readonly key: string;
  /** About as much as it takes while it waits for the store, and in the statement that stores it. */
  bytes: number;
  /** The room has taken it back: its fate in the store no longer matters to anybody. */
  abandoned: boolean;
}

/** What a repeat is answered with. */
export interface FirstTime {
  seq: number;
  id: string;
  at: string;
}

type Remembered = { pending: PendingMessage } | { first: FirstTime };

/**
 * Gives out seqs, 1, 2, 3 …, and recognises repeats.
 *
 * A repeat is the same sender with the same `clientId`, or the same message id (an edge sending again after a lost
 * answer). It is recognised here while the room remembers it, and by the store's uniqueness for ever.
 */
export class Sequencer {
  private pending: PendingMessage[] = [];
  /** The pending messages by key: however few settled ones are kept, these stay, or a repeat would get a second place. */
  private readonly underWay = new Map<string, PendingMessage>();
  private readonly recent: RecentMap<string, FirstTime>;

  constructor(
    /** The newest seq that is final. */
    private head: number,
    recentMax: number,
  ) {
    this.recent = new RecentMap(recentMax);
  }

  get pendingCount(): number {
    return this.pending.length;
  }

  /** The pending message that is final next. */
  oldest(): PendingMessage | undefined {
    return this.pending[0];
  }

  static key(m: { from: string; clientId?: string | undefined; id: string }): string {
    return m.clientId === undefined ? m.id : `${m.from} ${m.clientId}`;
  }

  /** Finds what an earlier message under this key has become. */
  repeat(key: string): Remembered | undefined {
    const pending = this.underWay.get(key);
    if (pending) return { pending };
    const first = this.recent.get(key);
    return first && { first };
  }

  /** Gives a message its place. */
  assign(
    message: Omit<PendingMessage, 'seq' | 'key' | 'abandoned' | 'bytes'>,
    key = Sequencer.key(message),
  ): PendingMessage {
    const { room, id, from, clientId, text, data, at, replyTo } = message;
    const seq = this.head + this.pending.length + 1;
    const bytes = bytesOf(message);
    // Spelt out, because copying an object of unknown shape costs more than all the rest here.
    const placed = { room, seq, id, from, clientId, text, data, at, replyTo, key, bytes, abandoned: false };
    this.pending.push(placed);
    this.underWay.set(key, placed);
    return placed;
  }

  /** The oldest pending message is final. */
  settle(message: PendingMessage): void {
    if (this.pending[0] !== message || message.seq !== this.head + 1) {
      throw new Error(`settled out of order: ${message.seq} after ${this.head}`);
    }
    this.pending.shift();
    this.head = message.seq;
    this.remember(message, { seq: message.seq, id: message.id, at: message.at });
  }

  /** A pending message was there before: it gives up its place, and those behind it move up. */
  withdraw(message: PendingMessage, first: FirstTime): void {
    const index = this.pending.indexOf(message);
    if (index < 0) throw new Error('withdrew a message that is not pending');
    this.pending.splice(index, 1);
    for (let i = index; i < this.pending.length; i++) {
      const moved = this.pending[i];
      if (moved) moved.seq = this.head + i + 1;
    }
    this.remember(message, first);
  }

  /** Forgets all pending messages, whose fate is unknown, and gives them. */
  abandon(): PendingMessage[] {
    const abandoned = this.pending;
    this.pending = [];
    for (const message of abandoned) {
      message.abandoned = true;
    }
    this.underWay.clear();
    return abandoned;
  }

  private remember(message: PendingMessage, first: FirstTime): void {
    this.underWay.delete(message.key);
    this.recent.set(message.key, first);
  }
}

/** What a message takes besides its text and data. */
const ENVELOPE_BYTES = 200;

/** About how many bytes a message takes while it waits. */
export function bytesOf({ text, data }: { text: string; data?: JsonObject | undefined }): number {
  const own = ENVELOPE_BYTES + Buffer.byteLength(text);
  return data === undefined ? own : own + Buffer.byteLength(JSON.stringify(data));
}
