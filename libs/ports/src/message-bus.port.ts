import type { Subject, SubjectPattern } from '@troupe/protocol';

/**
 * Moves bytes between pods: publish/subscribe and request/reply, at most once, in order per publisher and subject.
 *
 * What it is not: a store. Nothing that was acked to anybody may exist on the bus alone. Losing the connection loses
 * messages in both directions; whoever needs more builds it on seqs and epochs.
 *
 * Adapters serialise even in process: a handler never sees the publisher's own object, and a payload is the handler's
 * to keep (it is never reused by the adapter).
 */
export interface MessageBus {
  /**
   * Hands one message over for sending; all messages of one turn may leave in one write.
   * With `reply`, the receiver answers there; if nobody subscribes to `subject`, a message with `noResponders: true`
   * and an empty payload arrives at `reply` instead.
   * Throws {@link BusUnavailable} while disconnected or when more than the adapter's bound waits to be sent: it never
   * buffers without end.
   */
  publish(subject: Subject, payload: Uint8Array, options?: { reply?: Subject }): void;

  /**
   * Calls `handler` for each message on `subject`, one at a time, in order. Subscribers with the same `queue` share
   * the messages: each goes to one of them. A handler that throws is reported to `onHandlerError` and harms nothing else.
   */
  subscribe(
    subject: SubjectPattern,
    handler: (message: BusMessage) => void,
    options?: { queue?: string },
  ): BusSubscription;

  /**
   * Publishes and waits for the first reply.
   * Rejects with {@link NoResponders} at once when nobody subscribes, {@link RequestTimeout} after `timeoutMs`,
   * {@link BusUnavailable} while disconnected.
   */
  request(subject: Subject, payload: Uint8Array, options: { timeoutMs: number }): Promise<Uint8Array>;

  /** True while messages can be sent. */
  readonly connected: boolean;

  /** Calls `listener` on each change of {@link connected}. After `true`, subscriptions are in place again. Returns a function that stops it. */
  onConnection(listener: (connected: boolean) => void): () => void;

  /** Resolves when everything published and subscribed so far has reached the server. Rejects with {@link BusUnavailable} while disconnected. */
  flush(): Promise<void>;

  /** Takes no new messages, lets handlers and sends in flight finish, then disconnects. Idempotent. */
  close(): Promise<void>;
}

export interface BusMessage {
  readonly subject: Subject;
  readonly payload: Uint8Array;
  /** Where to answer, if the sender waits for one. */
  readonly reply?: Subject;
  readonly noResponders: boolean;
}

export interface BusSubscription {
  /** Stops deliveries at once. Idempotent. */
  unsubscribe(): void;
}

/** The bus is disconnected, closed, or has too much waiting to be sent. Temporary. */
export class BusUnavailable extends Error {
  override readonly name = 'BusUnavailable';
}

/** Nobody subscribes to the subject of a request. */
export class NoResponders extends Error {
  override readonly name = 'NoResponders';
}

/** A request had no reply in its time; whether it was received is unknown. */
export class RequestTimeout extends Error {
  override readonly name = 'RequestTimeout';
}
