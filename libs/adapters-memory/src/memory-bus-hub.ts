import { BusUnavailable } from '@troupe/ports';
import type { BusMessage } from '@troupe/ports';
import type { Subject } from '@troupe/protocol';
import { InterestTable } from './interest-table';
import type { Interested } from './interest-table';

/** After so many deliveries in one go the event loop gets a turn, or two handlers that answer each other would stop it. */
const DRAIN_DELIVERIES_MAX = 4_096;
const NOTHING = new Uint8Array(0);

export interface MemoryBusHubOptions {
  /** How many deliveries may wait. Default 100,000. */
  messagesMax?: number;
  /** How many payload bytes may wait. Default 64 MiB. */
  bytesMax?: number;
  /** The largest payload, in bytes. Default 1 MiB, as at a NATS server. */
  payloadBytesMax?: number;
  /**
   * Runs `drain` later, never inside the call. `yielding`: much was delivered already, so let I/O happen first.
   * Default: a microtask, and `setImmediate` when yielding. A simulation passes its own.
   */
  schedule?: (drain: () => void, yielding: boolean) => void;
}

/** Where deliveries end: one subscription of one bus. */
export interface HubTarget extends Interested {
  /** False once unsubscribed or cut off: what still waits for it is skipped. */
  active: boolean;
  /** Never throws. */
  deliver(message: BusMessage): void;
}

/** One message for one target; it is what the handler sees. */
class Delivery implements BusMessage {
  declare readonly reply?: Subject;

  constructor(
    readonly target: HubTarget,
    readonly subject: Subject,
    readonly payload: Uint8Array,
    reply: Subject | undefined,
    readonly noResponders: boolean,
  ) {
    if (reply !== undefined) this.reply = reply;
  }
}

/**
 * The part of the in-process bus that a NATS server plays: who wants what, and one queue for everything.
 *
 * One queue means one order: messages arrive everywhere in the order in which they were published. Who gets a message
 * is decided when it is published, as a server would; it is delivered later, never inside `publish`.
 */
export class MemoryBusHub {
  private readonly messagesMax: number;
  private readonly bytesMax: number;
  private readonly payloadBytesMax: number;
  private readonly schedule: (drain: () => void, yielding: boolean) => void;
  private readonly interest = new InterestTable<HubTarget>();
  private readonly targets: HubTarget[] = [];
  private queue: (Delivery | undefined)[] = [];
  private head = 0;
  private waitingBytes = 0;
  private scheduled = false;

  constructor(options: MemoryBusHubOptions = {}) {
    this.messagesMax = options.messagesMax ?? 100_000;
    this.bytesMax = options.bytesMax ?? 64 * 1_048_576;
    this.payloadBytesMax = options.payloadBytesMax ?? 1_048_576;
    this.schedule =
      options.schedule ??
      ((drain, yielding) => {
        if (yielding) setImmediate(drain);
        else queueMicrotask(drain);
      });
  }

  add(target: HubTarget): void {
    this.interest.add(target);
  }

  remove(target: HubTarget): void {
    this.interest.remove(target);
  }

  /** Queues one copy for each that wants it. Refuses before queueing anything; the bounds may be passed by one message. */
  publish(subject: Subject, payload: Uint8Array, reply: Subject | undefined): void {
    if (payload.length > this.payloadBytesMax) throw new RangeError('payload larger than the bus takes');
    if (this.queue.length - this.head >= this.messagesMax || this.waitingBytes >= this.bytesMax) {
      throw new BusUnavailable('too much waits to be delivered');
    }
    const targets = this.targets;
    this.interest.collect(subject, targets);
    if (targets.length === 0) {
      if (reply !== undefined) this.tellNobodyListens(reply);
      return;
    }
    // A copy for each: the publisher may reuse its buffer, and a handler may keep or change what it got.
    for (const target of targets) {
      this.enqueue(new Delivery(target, subject, Buffer.from(payload), reply, false));
    }
    targets.length = 0;
  }

  /** Calls `action` when everything that waits now has been handled. */
  afterWaiting(action: () => void): void {
    const target: HubTarget = { pattern: '', queue: undefined, active: true, deliver: action };
    this.enqueue(new Delivery(target, '' as Subject, NOTHING, undefined, false));
  }

  private tellNobodyListens(reply: Subject): void {
    this.interest.collect(reply, this.targets);
    for (const target of this.targets) this.enqueue(new Delivery(target, reply, NOTHING, undefined, true));
    this.targets.length = 0;
  }

  private enqueue(delivery: Delivery): void {
    this.queue.push(delivery);
    this.waitingBytes += delivery.payload.length;
    if (this.scheduled) return;
    this.scheduled = true;
    this.schedule(this.drain, false);
  }

  private readonly drain = (): void => {
    for (let left = DRAIN_DELIVERIES_MAX; this.head < this.queue.length; left--) {
      if (left === 0) {
        this.queue = this.queue.slice(this.head);
        this.head = 0;
        this.schedule(this.drain, true);
        return;
      }
      const delivery = this.queue[this.head]!;
      this.queue[this.head++] = undefined;
      this.waitingBytes -= delivery.payload.length;
      if (delivery.target.active) delivery.target.deliver(delivery);
    }
    this.queue.length = 0;
    this.head = 0;
    this.scheduled = false;
  };
}
