import type { BusMessage, BusSubscription } from '@troupe/ports';
import type { Subject, SubjectPattern } from '@troupe/protocol';
import type { Msg, NatsConnection, Subscription } from 'nats';

const NO_RESPONDERS = 503;

/**
 * One subscription of the bus, which outlives the connections that carry it.
 *
 * It uses a callback, not an iterator: the client calls it for each message as it is read, so nothing waits in between
 * and nothing can be dropped there. A process that reads too slowly is cut off by the server, which shows as a
 * disconnect. What a handler throws must not reach the client, which would stop reading for good.
 */
export class NatsSubscription implements BusSubscription {
  private wire: Subscription | undefined;
  private active = true;
  private readonly exact: Subject | undefined;

  constructor(
    private readonly pattern: SubjectPattern,
    private readonly queue: string | undefined,
    private readonly handler: (message: BusMessage) => void,
    private readonly options: {
      onHandlerError: (error: unknown, subject: string) => void;
      onRefused: (reason: string) => void;
      onUnsubscribed: (subscription: NatsSubscription) => void;
    },
  ) {
    this.exact = /[*>]/.test(pattern) ? undefined : (pattern as Subject);
  }

  attach(connection: NatsConnection): void {
    this.wire = connection.subscribe(this.pattern, {
      callback: this.callback,
      ...(this.queue === undefined ? {} : { queue: this.queue }),
    });
  }

  unsubscribe(): void {
    if (!this.active) return;
    this.active = false;
    this.wire?.unsubscribe();
    this.options.onUnsubscribed(this);
  }

  private readonly callback = (error: Error | null, message: Msg): void => {
    if (error) {
      this.options.onRefused(error.message);
      return;
    }
    if (!this.active) return;
    const subject = this.exact ?? (message.subject as Subject);
    try {
      this.handler(toBusMessage(subject, message));
    } catch (thrown) {
      this.report(thrown, subject);
    }
  };

  private report(error: unknown, subject: Subject): void {
    try {
      this.options.onHandlerError(error, subject);
    } catch (second) {
      // The reporter is broken: let that be seen as an uncaught exception, but not by the client's reader.
      setImmediate(() => {
        throw second;
      });
    }
  }
}

/** The payload is a view of what was read from the socket; Node allocates that anew for each read. */
function toBusMessage(subject: Subject, message: Msg): BusMessage {
  const payload = message.data;
  const noResponders = payload.length === 0 && message.headers?.code === NO_RESPONDERS;
  const reply = message.reply;
  return reply
    ? { subject, payload, reply: reply as Subject, noResponders }
    : { subject, payload, noResponders };
}
