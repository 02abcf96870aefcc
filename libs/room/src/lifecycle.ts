import type { ErrorCode, OverflowMode, Role, RoomKind } from '@troupe/protocol';
import type { Backlog } from './backlog';
import type { RoomOutput } from './room.output';
import type { RoomPolicy } from './room.policies';

/** What `load` found. */
export interface LoadedRoom {
  kind: RoomKind;
  open: boolean;
  durable: boolean;
  onOverflow: OverflowMode;
  members: readonly { user: string; role: Role }[];
  /** The highest committed seq; for a room that is not durable, the end of the seqs reserved so far. */
  head: number;
}

/** A loaded room with the rules of its kind. */
export interface Settings extends LoadedRoom {
  policy: RoomPolicy;
}

/** When a command is handled. */
export interface Stamp {
  nowMs: number;
  /** RFC 3339 in UTC, for people. */
  at: string;
}

/** Why a command was not done; `moved`: the partition is another pod's, and the edge asks there. */
export type Refusal = ErrorCode | 'moved';

type Deferred = (stamp: Stamp) => void;

/**
 * Whether the room knows enough to act: asleep, loading, awake, or in doubt about what the store holds.
 * Commands that come too early wait here, in order and bounded.
 */
export class Lifecycle {
  /** Null while the room sleeps, or when there is no such room. */
  settings: Settings | null = null;
  /** The partition is another pod's. */
  closed = false;
  activeAtMs = 0;
  /** The store may hold what this room does not know: a commit of unknown outcome, or a changed row. */
  private inDoubt = false;
  private loading = false;
  /** Counts the doubts: a load answers those from before it was asked for. */
  private doubts = 0;
  private doubtsAsked = 0;
  private waiting: { run: Deferred; refuse: (why: Refusal) => void; bytes: number }[] = [];

  constructor(
    private readonly room: string,
    private readonly waitingMax: number,
    private readonly output: Pick<RoomOutput, 'load'>,
    /** A load waits for the writes in flight: it would tell of the room as it was before them. */
    private readonly committing: () => boolean,
    private readonly backlog: Backlog,
  ) {}

  get awake(): boolean {
    return this.settings !== null && !this.loading;
  }

  get suspect(): boolean {
    return this.inDoubt;
  }

  get busy(): boolean {
    return this.loading || this.waiting.length > 0;
  }

  /** True while the result of a load is waited for. */
  get expecting(): boolean {
    return this.loading && !this.closed;
  }

  /** True when the room should be loaded even though nobody asks: members may have missed something. */
  get needsLoad(): boolean {
    return this.inDoubt && !this.loading && !this.committing();
  }

  /** Runs now if the room is awake, else when it has loaded. `bytes`: what is kept until then, if that is much. */
  defer(run: Deferred, stamp: Stamp, refuse: (why: Refusal) => void = () => undefined, bytes = 0): void {
    if (this.awake && !this.inDoubt) return run(stamp);
    if (this.waiting.length >= this.waitingMax || !this.backlog.take(bytes)) return refuse('room_busy');
    this.waiting.push({ run, refuse, bytes });
    if (!this.committing()) this.wake();
  }

  /** Loads the room, if it is not loading. */
  wake(): void {
    if (this.loading || this.closed) return;
    this.loading = true;
    this.doubtsAsked = this.doubts;
    this.output.load(this.room);
  }

  /** From now on nothing is believed before the store has been asked again. */
  doubt(): void {
    this.inDoubt = true;
    this.doubts++;
    this.wakeIfSuspect();
  }

  /** The same, without asking now: the store has just failed. */
  distrust(): void {
    this.inDoubt = true;
  }

  wakeIfSuspect(): void {
    if (this.needsLoad) this.wake();
  }

  /** The room is loaded: what waited runs, in order. */
  ready(stamp: Stamp): void {
    this.loading = false;
    this.activeAtMs = stamp.nowMs;
    if (this.isOutdated) return this.wakeIfSuspect();
    this.inDoubt = false;
    for (const { run } of this.takeWaiting()) run(stamp);
  }

  /** There is no such room (any more). */
  gone(): void {
    this.loading = false;
    this.settings = null;
    if (this.isOutdated) return this.wakeIfSuspect();
    this.inDoubt = false;
    this.refuseWaiting('not_found');
  }

  /** The store could not be asked; those who wait are told to come again. The host loads a suspect room again by itself. */
  failed(): void {
    this.loading = false;
    this.refuseWaiting('unavailable');
  }

  close(): void {
    this.closed = true;
    this.refuseWaiting('moved');
  }

  /** What was loaded may be from before the newest doubt. */
  private get isOutdated(): boolean {
    return this.doubts !== this.doubtsAsked;
  }

  private refuseWaiting(why: Refusal): void {
    for (const { refuse } of this.takeWaiting()) refuse(why);
  }

  private takeWaiting(): typeof this.waiting {
    const { waiting } = this;
    this.waiting = [];
    for (const { bytes } of waiting) this.backlog.give(bytes);
    return waiting;
  }
}
