import type { MemoryMessageBus } from '@troupe/adapters-memory';
import type { BusMessage, BusSubscription, MessageBus } from '@troupe/ports';
import type { Subject, SubjectPattern } from '@troupe/protocol';
import type { SeededRandom } from '@troupe/testing';
import type { ProcessClock } from './process-clock';

/** What the network does to each message on its way to each subscriber; changed while the simulation runs. */
export interface NetworkFaults {
  drop: number;
  duplicate: number;
  delayMsMax: number;
  /** Also messages of one subject may overtake each other; a real bus does not do that. */
  reorder: boolean;
}

/** One process's connection to the bus: messages take time, and get lost, doubled and reordered as the seed says. */
export class LossyBus implements MessageBus {
  private readonly lastDueMs = new Map<string, number>();

  constructor(
    private readonly inner: MemoryMessageBus,
    private readonly clock: ProcessClock,
    private readonly random: SeededRandom,
    private readonly faults: NetworkFaults,
  ) {}

  get connected(): boolean {
    return this.inner.connected;
  }

  publish(subject: Subject, payload: Uint8Array, options?: { reply?: Subject }): void {
    this.inner.publish(subject, payload, options);
  }

  subscribe(
    subject: SubjectPattern,
    handler: (message: BusMessage) => void,
    options?: { queue?: string },
  ): BusSubscription {
    let active = true;
    const subscription = this.inner.subscribe(
      subject,
      (message) =>
        this.arrive(message, () => {
          if (active) handler(message);
        }),
      options,
    );
    return {
      unsubscribe: () => {
        active = false;
        subscription.unsubscribe();
      },
    };
  }

  request(subject: Subject, payload: Uint8Array, options: { timeoutMs: number }): Promise<Uint8Array> {
    return this.inner.request(subject, payload, options);
  }

  onConnection(listener: (connected: boolean) => void): () => void {
    return this.inner.onConnection((connected) => this.clock.run(() => listener(connected), 'arrival'));
  }

  flush(): Promise<void> {
    return this.inner.flush();
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  private arrive({ subject }: BusMessage, handle: () => void): void {
    const { drop, duplicate, delayMsMax, reorder } = this.faults;
    if (this.random.chance(drop)) return;
    const copies = this.random.chance(duplicate) ? 2 : 1;
    const nowMs = this.clock.nowMs();
    for (let i = 0; i < copies; i++) {
      const earliestMs = nowMs + 1 + this.random.below(delayMsMax);
      const dueMs = reorder ? earliestMs : Math.max(earliestMs, this.lastDueMs.get(subject) ?? 0);
      this.lastDueMs.set(subject, dueMs);
      this.clock.arrives(dueMs - nowMs, handle);
    }
  }
}
