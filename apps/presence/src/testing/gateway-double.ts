import type { BusSubscription, Clock, MessageBus } from '@troupe/ports';
import {
  encodeSessionsMessage,
  restoreMessages,
  type SessionChange,
  type SessionsMessage,
  subjects,
} from '@troupe/protocol';

/** What a gateway says to presence, and nothing else of one. Every message can be kept back, and sent later or never. */
export class GatewayDouble {
  private readonly open = new Map<string, string>();
  private readonly subscription: BusSubscription;
  private readonly stopAlive: () => void;
  private seq = 0;
  /** How often it was asked for all of its sessions. */
  asked = 0;
  /** Where batches go; replaced by tests that lose or reorder them. */
  send = (message: SessionsMessage): void => {
    if (this.bus.connected) this.bus.publish(subjects.sessions, encodeSessionsMessage(message));
  };

  constructor(
    readonly id: string,
    private readonly bus: MessageBus,
    clock: Clock,
    renewMs: number,
  ) {
    this.stopAlive = clock.every(renewMs, () => this.send({ t: 'alive', gateway: id, seq: this.seq }));
    this.subscription = bus.subscribe(subjects.sessionsWanted(id), () => {
      this.asked += 1;
      const sessions = [...this.open].map(([session, user]) => [user, session] as const);
      for (const part of restoreMessages(id, this.seq, sessions)) this.send(part);
    });
  }

  opens(user: string, session: string): void {
    this.open.set(session, user);
    this.batch({ user, session, change: 'opened' });
  }

  closes(user: string, session: string): void {
    this.open.delete(session);
    this.batch({ user, session, change: 'closed' });
  }

  /** Says nothing more, as one that was killed. */
  dies(): void {
    this.stopAlive();
    this.subscription.unsubscribe();
    this.send = () => undefined;
  }

  private batch(change: SessionChange): void {
    this.send({ t: 'changes', gateway: this.id, seq: ++this.seq, changes: [change] });
  }
}
