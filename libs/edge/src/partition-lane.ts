import type { ActorCommand } from '@troupe/protocol';

/** A command with an answer that has not come. */
export interface PendingCommand {
  command: ActorCommand & { ref: number };
  deadlineMs: number;
  sentAtMs: number;
}

/**
 * What one edge has under way with one partition.
 *
 * While the partition is blocked (nobody serves it, or it is changing hands) new commands queue behind the old ones,
 * so that one sender's messages keep their order when they are sent again.
 */
export class PartitionLane {
  /** Unanswered commands in order of `ref`. */
  readonly pending = new Map<number, PendingCommand>();
  outbox: ActorCommand[] = [];
  blocked = false;
  attempts = 0;

  constructor(readonly partition: number) {}

  /** Puts every unanswered command into the outbox again, in order, behind what is there. */
  sendAgain(nowMs: number): void {
    const queued = new Set(this.outbox);
    for (const pending of this.pending.values()) {
      if (queued.has(pending.command)) continue;
      pending.sentAtMs = nowMs;
      this.outbox.push(pending.command);
    }
  }
}
