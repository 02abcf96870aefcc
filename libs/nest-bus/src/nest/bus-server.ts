import { type CustomTransportStrategy, type MessageHandler, Server } from '@nestjs/microservices';
import {
  BusUnavailable,
  type BusMessage,
  type BusSubscription,
  type Clock,
  type MessageBus,
} from '@troupe/ports';
import { type SubjectPattern, TroupeError } from '@troupe/protocol';
import { lastValueFrom } from 'rxjs';
import {
  type BusHandlerOptions,
  CONCURRENCY,
  PAYLOAD_BYTES_MAX,
  type RefusalCode,
  WAITING_MAX,
} from '../bus-handler.options';
import { jsonPayload, parseJsonPayload } from '../json-payload';
import { WorkLane } from '../work-lane';
import { BusContext } from './bus.context';

export interface BusServerOptions {
  bus: MessageBus;
  clock: Clock;
  /** Told what handlers threw that is no `TroupeError`, events that were refused, and replies that could not be sent. */
  onError: (error: unknown, subject: string) => void;
  /** How long `close` waits for handlers, in ms. Default 5,000. */
  closeDeadlineMs?: number;
}

interface Binding {
  subscription: BusSubscription;
  lane: WorkLane;
}

/**
 * Runs Nest's message and event handlers over a {@link MessageBus}, whichever adapter that is.
 *
 * Payloads are plain JSON as the contract writes them, without Nest's packet envelope, so a client in any language can
 * call a handler. Handlers are bound with `@BusRequest` and `@BusEvent`. The bus belongs to whoever opened it: closing
 * the server stops taking messages and finishes those in flight, and leaves the bus open.
 */
export class BusServer extends Server implements CustomTransportStrategy {
  override readonly transportId = Symbol.for('troupe.bus');
  private readonly bindings: Binding[] = [];

  constructor(private readonly options: BusServerOptions) {
    super();
  }

  listen(callback: (error?: unknown) => void): void {
    for (const [pattern, handler] of this.messageHandlers) this.bind(pattern as SubjectPattern, handler);
    // Away, the bus subscribes when it comes back; there is nothing to wait for then.
    this.options.bus.flush().then(
      () => callback(),
      (error: unknown) => callback(error instanceof BusUnavailable ? undefined : error),
    );
  }

  async close(): Promise<void> {
    const bindings = this.bindings.splice(0);
    for (const { subscription } of bindings) subscription.unsubscribe();
    const idle = Promise.all(bindings.map(({ lane }) => lane.idle())).then(() => undefined);
    let cancel: () => void = () => undefined;
    const late = new Promise<void>((resolve) => {
      cancel = this.options.clock.after(this.options.closeDeadlineMs ?? 5_000, resolve);
    });
    await Promise.race([idle, late]);
    cancel();
  }

  /** The bus says itself when it comes and goes: `MessageBus.onConnection`. */
  on(): never {
    throw new Error('listen to the bus instead');
  }

  unwrap<T>(): T {
    return this.options.bus as T;
  }

  private bind(pattern: SubjectPattern, handler: MessageHandler): void {
    const options: BusHandlerOptions = handler.extras ?? {};
    const lane = new WorkLane(options.concurrency ?? CONCURRENCY, options.waitingMax ?? WAITING_MAX);
    const take = (message: BusMessage): void => {
      if (message.noResponders) return;
      if (message.payload.length > (options.payloadBytesMax ?? PAYLOAD_BYTES_MAX)) {
        this.refuse(handler, message, 'too_large');
      } else if (!lane.offer(() => this.handle(handler, message))) {
        this.refuse(handler, message, 'unavailable');
      }
    };
    const { queue } = options;
    const subscription = this.options.bus.subscribe(pattern, take, queue === undefined ? {} : { queue });
    this.bindings.push({ subscription, lane });
  }

  /** Never rejects. */
  private async handle(handler: MessageHandler, message: BusMessage): Promise<void> {
    let data: unknown;
    try {
      data = parseJsonPayload(message.payload);
    } catch (error) {
      return this.refuse(handler, message, 'bad_request', error);
    }
    try {
      const result = await this.run(handler, data, new BusContext([message]));
      // A result that is no JSON is the handler's fault too.
      const reply = handler.isEventHandler ? null : jsonPayload(result);
      if (reply) this.answer(message, () => reply);
    } catch (error) {
      if (error instanceof TroupeError) return this.refuse(handler, message, error.code, error);
      this.options.onError(error, message.subject);
      this.refuse(handler, message, 'internal', error);
    }
  }

  private run(handler: MessageHandler, data: unknown, context: BusContext): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.onProcessingStartHook(this.transportId, context, async () => {
        try {
          const results = this.transformToObservable<unknown>(handler(data, context));
          resolve(await lastValueFrom(results, { defaultValue: undefined }));
        } catch (error) {
          reject(error);
        } finally {
          this.onProcessingEndHook?.(this.transportId, context);
        }
      });
    });
  }

  private refuse(handler: MessageHandler, message: BusMessage, code: RefusalCode, error?: unknown): void {
    if (handler.isEventHandler) {
      // Nobody waits to hear it; what the handler threw was told already.
      if (code !== 'internal') {
        this.options.onError(new TroupeError(code, 'an event was refused'), message.subject);
      }
      return;
    }
    const { refuse }: BusHandlerOptions = handler.extras ?? {};
    this.answer(message, () => jsonPayload(refuse ? refuse(code, error) : { error: code }));
  }

  private answer(message: BusMessage, reply: () => Uint8Array): void {
    if (message.reply === undefined) return;
    try {
      this.options.bus.publish(message.reply, reply());
    } catch (error) {
      // The bus went away meanwhile, or there is no way to say it: whoever asked runs into the time-out.
      this.options.onError(error, message.subject);
    }
  }
}
