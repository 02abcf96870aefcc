import { partitionOf } from '@troupe/protocol';
import type { Subscription } from './subscription';

/** All sessions of this edge in one room, and how far the room's stream has come here. */
export class RoomGroup {
  readonly partition: number;
  epoch = 0;
  /** The actor has confirmed the attachment. */
  attached = false;
  attachSentAtMs = 0;
  replayAskedAtMs = -Infinity;
  readonly all = new Set<Subscription>();
  readonly live: Subscription[] = [];
  ahead: Subscription[] = [];
  /** Frames of this turn, not yet given to the sessions. */
  pending: Uint8Array[] = [];
  pendingBytes = 0;

  constructor(
    readonly room: string,
    /** The newest seq received here; −1 while unknown. */
    public seq: number,
  ) {
    this.partition = partitionOf(room);
  }

  addLive(sub: Subscription): void {
    sub.state = 'live';
    sub.index = this.live.push(sub) - 1;
  }

  removeLive(sub: Subscription): void {
    const last = this.live.pop();
    if (last && last !== sub) {
      this.live[sub.index] = last;
      last.index = sub.index;
    }
    sub.index = -1;
  }
}
