import { Refused, type TestClient } from '@troupe/testing';

/** After these the same message, under the same clientId, is sent again. */
const PASSING = new Set(['unavailable', 'room_busy', 'rate_limited', 'internal']);
/** Longer than the gateway's own deadline: what is measured is the system's healing, not a client's impatience. */
const ANSWER_MS_MAX = 10_000;
const AGAIN_MS = 50;

const pace = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Keeps publishing to one room at its own pace, each message until it is acked. */
export class RoomPublisher {
  /** clientIds whose message was acked, oldest first. */
  readonly acked: string[] = [];
  /** How often each error was the answer. */
  readonly refusals = new Map<string, number>();
  private stopping = false;
  private running: Promise<void> | null = null;
  private sent = 0;

  constructor(
    readonly client: TestClient,
    readonly room: string,
    private readonly options: { name: string; everyMs: number; inFlight: number },
  ) {}

  start(): void {
    this.stopping = false;
    this.running = this.run();
    // Looked at in stop(); until then a failure must not count as unhandled.
    this.running.catch(() => undefined);
  }

  /** Waits until everything that was begun is acked. Rejects if anything failed for good. */
  async stop(): Promise<void> {
    this.stopping = true;
    await this.running;
  }

  readonly textOf = (clientId: string): string => `${clientId} says hello to everybody in ${this.room}`;

  private async run(): Promise<void> {
    while (!this.stopping) {
      const batch = Array.from(
        { length: this.options.inFlight },
        () => `${this.options.name}-${++this.sent}`,
      );
      await Promise.all(batch.map((clientId) => this.untilAcked(clientId)));
      await pace(this.options.everyMs);
    }
  }

  private async untilAcked(clientId: string): Promise<void> {
    for (;;) {
      try {
        await this.client.publish({ room: this.room, text: this.textOf(clientId), clientId }, ANSWER_MS_MAX);
        this.acked.push(clientId);
        return;
      } catch (error) {
        if (!(error instanceof Refused) || !PASSING.has(error.code)) throw error;
        this.refusals.set(error.code, (this.refusals.get(error.code) ?? 0) + 1);
        await pace(error.retryAfterMs ?? AGAIN_MS);
      }
    }
  }
}
