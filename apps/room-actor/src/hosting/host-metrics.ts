import type { RoomKind } from '@troupe/protocol';
import type { CommitObserver } from './committer';

/** What the host counts. */
export interface HostMetrics extends CommitObserver {
  published(kind: RoomKind): void;
  takenOver(partitions: number): void;
}
