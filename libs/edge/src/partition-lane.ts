import type { ActorCommand } from '@troupe/protocol';

/** A command with an answer that has not come. */
export interface PendingCommand {
  command: ActorCommand & { ref: number };
  deadlineMs: number;
  sentAtMs: number;
  /** About as much as it takes in memory and in a batch. */
  bytes: number;
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
  /** The newest owner's epoch that was heard of. */
  epoch = 0;

  constructor(readonly partition: number) {}

  /** Puts every unanswered command into the outbox again, in the order in which they were given. */
  sendAgain(nowMs: number): void {
    // What has no answer goes first: sessions attach before anything is published for them.
    const others = this.outbox.filter((command) => !('ref' in command));
    for (const pending of this.pending.values()) pending.sentAtMs = nowMs;
    this.outbox = [...others, ...[...this.pending.values()].map(({ command }) => command)];
  }
}
