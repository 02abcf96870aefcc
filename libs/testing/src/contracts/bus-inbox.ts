import type { BusMessage, MessageBus } from '@troupe/ports';
import type { SubjectPattern } from '@troupe/protocol';

const DEADLINE_MS = 5_000;

/** Collects what a subscription gets, and lets a test wait for it. */
export class BusInbox {
  readonly messages: BusMessage[] = [];
  private waiting: (() => void) | undefined;

  readonly handler = (message: BusMessage): void => {
    this.messages.push(message);
    this.waiting?.();
  };

  /** Subscribes a new inbox; resolves when messages sent from anywhere will reach it. */
  static async on(bus: MessageBus, subject: SubjectPattern, options?: { queue?: string }): Promise<BusInbox> {
    const inbox = new BusInbox();
    bus.subscribe(subject, inbox.handler, options);
    await bus.flush();
    return inbox;
  }

  get texts(): string[] {
    return this.messages.map((message) => text(message.payload));
  }

  /** Resolves with the texts of all messages once there are `count`. */
  async received(count: number): Promise<string[]> {
    await this.until(() => this.messages.length >= count, `${count} messages`);
    return this.texts;
  }

  /** Resolves with the texts of all messages before the one with the text `last`. */
  async before(last: string): Promise<string[]> {
    await this.until(() => this.texts.includes(last), `the message ${last}`);
    return this.texts.slice(0, this.texts.indexOf(last));
  }

  private until(enough: () => boolean, what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.waiting = undefined;
        reject(new Error(`not ${what} within ${DEADLINE_MS} ms, but ${JSON.stringify(this.texts)}`));
      }, DEADLINE_MS);
      this.waiting = () => {
        if (!enough()) return;
        clearTimeout(timer);
        this.waiting = undefined;
        resolve();
      };
      this.waiting();
    });
  }
}

export function bytes(value: string): Buffer {
  return Buffer.from(value);
}

export function text(payload: Uint8Array): string {
  return Buffer.from(payload).toString();
}
