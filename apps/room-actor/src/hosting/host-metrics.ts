import type { MailboxTotals } from '@troupe/actor-core';
import type { RoomKind } from '@troupe/protocol';
import type { CommitObserver } from './committer';

/** What the host counts. */
export interface HostMetrics extends CommitObserver {
  published(kind: RoomKind): void;
  takenOver(partitions: number): void;
  /** Where the books of all mailboxes of one kind of room are added up: always the same object for a kind. */
  mailboxes(kind: RoomKind): MailboxTotals;
}
