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
  private readonly recent: RecentMap<string, Remembered>;

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
    return this.recent.get(key);
  }

  /** Gives a message its place. */
  assign(message: Omit<PendingMessage, 'seq' | 'abandoned'>): PendingMessage {
    const seq = this.head + this.pending.length + 1;
    const placed: PendingMessage = { ...message, seq, abandoned: false };
    this.pending.push(placed);
    this.recent.set(Sequencer.key(placed), { pending: placed });
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
      this.recent.delete(Sequencer.key(message));
    }
    return abandoned;
  }

  private remember(message: PendingMessage, first: FirstTime): void {
    this.recent.set(Sequencer.key(message), { first });
  }
}
