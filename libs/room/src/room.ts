import { type MailboxTotals, type RingLimits, zeroTotals } from '@troupe/actor-core';
import type {
  AttachCommand,
  ErrorCode,
  LaggingCommand,
  MemberCommand,
  PublishCommand,
  ReplayCommand,
  ResumeCommand,
  RoomKind,
} from '@troupe/protocol';
import { refuse } from './answers';
import { Audience } from './audience';
import { Backlog } from './backlog';
import type { EdgeSink } from './edge-sink';
import { Lifecycle, type LoadedRoom, type Refusal, type Stamp } from './lifecycle';
import { Membership } from './membership';
import { Publishing, type PublishingLimits } from './publishing';
import { Readers } from './readers';
import type { RoomOutput } from './room.output';
import { ROOM_POLICIES } from './room.policies';
import type { FirstTime, PendingMessage } from './sequencer';

/** Bounds of one room. `pendingMax` bounds the commands that wait for the room to load, too. */
export interface RoomLimits extends PublishingLimits {
  ring: RingLimits;
  /** The longest stretch that a returning session is sent; what lies before is announced as a gap. */
  resumeMax: number;
}

/**
 * The actor of one room: it alone gives out the room's seqs, knows its members and owns its readers' mailboxes.
 *
 * Pure: commands, results and time come in; records to edges and requests to the store go out. One call is one turn.
 * A room wakes (loads) at the first command that needs its members or its head, and is put to sleep by its host when
 * nothing happened for a while; attachments stay.
 */
export class Room {
  readonly audience: Audience;
  private readonly lifecycle: Lifecycle;
  private readonly membership: Membership;
  private readonly publishing: Publishing;
  private readonly readers: Readers;

  constructor(
    readonly id: string,
    readonly epoch: number,
    limits: RoomLimits,
    output: RoomOutput,
    /** Where the books of the mailboxes of one kind of room are added up. */
    private readonly totalsOf: (kind: RoomKind) => MailboxTotals = zeroTotals,
    /** Shared by the rooms of one pod. */
    backlog = new Backlog(Infinity),
  ) {
    this.audience = new Audience(id, limits.ring);
    const writing = (): boolean => this.publishing.pendingCount > 0 || this.membership.busy;
    this.lifecycle = new Lifecycle(id, limits.pendingMax, output, writing, backlog);
    this.membership = new Membership(id, output, this.audience, () => this.lifecycle.wakeIfSuspect());
    this.publishing = new Publishing(
      id,
      epoch,
      limits,
      output,
      this.lifecycle,
      this.audience,
      this.membership,
    );
    this.readers = new Readers(
      id,
      epoch,
      limits.resumeMax,
      output,
      this.lifecycle,
      this.audience,
      this.publishing,
    );
  }

  get awake(): boolean {
    return this.lifecycle.awake;
  }

  get kind(): RoomKind | null {
    return this.lifecycle.settings?.kind ?? null;
  }

  /** True while messages or answers are on their way: a hand-over waits for them. */
  get busy(): boolean {
    return this.lifecycle.busy || this.publishing.pendingCount > 0 || this.membership.busy;
  }

  /** True when the room should be loaded even though nobody asks: members may have missed something. */
  get needsLoad(): boolean {
    return this.lifecycle.needsLoad;
  }

  // ── Commands ──────────────────────────────────────────────────────────────────────────────────────────────────

  publish(command: PublishCommand, edge: EdgeSink, stamp: Stamp): void {
    this.publishing.publish(command, edge, stamp);
  }

  /** Attaches sessions. `fresh`: this owner is new, and what edges know may be older than what the store has. */
  attach(command: AttachCommand, edge: EdgeSink, stamp: Stamp, fresh: boolean): void {
    this.readers.attach(command, edge, stamp, fresh);
  }

  detach(edge: EdgeSink, session: number): void {
    this.readers.detach(edge, session);
  }

  lagging(command: LaggingCommand, edge: EdgeSink, stamp: Stamp): void {
    this.readers.lagging(command, edge, stamp);
  }

  resume(command: ResumeCommand, edge: EdgeSink, stamp: Stamp): void {
    this.readers.resume(command, edge, stamp);
  }

  replay(command: ReplayCommand, edge: EdgeSink, stamp: Stamp): void {
    this.readers.replay(command, edge, stamp);
  }

  member(command: MemberCommand, edge: EdgeSink, stamp: Stamp): void {
    const refused = (why: Refusal): void => refuse(this.id, { edge, ref: command.ref }, why);
    this.lifecycle.defer(
      () => {
        const { settings } = this.lifecycle;
        if (!settings) return refused('not_found');
        this.membership.change(command, settings, {
          key: `${edge.id} ${command.ref}`,
          done: () => edge.control({ c: 'done', ref: command.ref, head: this.publishing.head }),
          refuse: (why) => {
            refused(why);
            // The store may have the change although it did not say so.
            if (why === 'unavailable') this.lifecycle.doubt();
          },
          head: () => this.publishing.head,
        });
      },
      stamp,
      refused,
    );
  }

  /** Reads the row again before the next command. */
  reload(ref: number, edge: EdgeSink, stamp: Stamp): void {
    this.lifecycle.doubt();
    this.lifecycle.defer(
      () => edge.control({ c: 'done', ref, head: this.publishing.head }),
      stamp,
      (why) => refuse(this.id, { edge, ref }, why),
    );
  }

  // ── Results ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** A message is in the store. In order of seq. */
  committed(message: PendingMessage): void {
    this.publishing.committed(message);
  }

  /** The store had this message already. */
  duplicate(message: PendingMessage, first: FirstTime): void {
    this.publishing.duplicate(message, first);
  }

  /** The store refused the room's pending messages, or their outcome is unknown. */
  commitFailed(code: ErrorCode): void {
    this.publishing.commitFailed(code);
  }

  /** The result of `load`; null: there is no such room. */
  loaded(record: LoadedRoom | null, stamp: Stamp): void {
    const { lifecycle } = this;
    if (!lifecycle.expecting) return;
    if (!record) return lifecycle.gone();
    lifecycle.settings = { ...record, policy: ROOM_POLICIES[record.kind] };
    this.membership.reset(record.members);
    this.audience.ledger.reportTo(this.totalsOf(record.kind));
    this.publishing.begin(lifecycle.settings, (complete) => {
      if (complete) return lifecycle.ready(stamp);
      lifecycle.distrust();
      lifecycle.failed();
    });
  }

  loadFailed(): void {
    if (this.lifecycle.expecting) this.lifecycle.failed();
  }

  // ── By the host ───────────────────────────────────────────────────────────────────────────────────────────────

  /** Loads the room, if it is not loading. */
  wake(): void {
    this.lifecycle.wake();
  }

  /** Repeats the head to the edges of a room that has gone quiet; to be called about every second. */
  repeatHead(nowMs: number): void {
    this.readers.repeatHead(nowMs);
  }

  /** Puts the room to sleep if nothing happened since `idleSinceMs`. True if it sleeps. */
  passivate(idleSinceMs: number): boolean {
    const { lifecycle } = this;
    if (this.busy || lifecycle.suspect) return false;
    if (!lifecycle.settings) return true;
    if (lifecycle.activeAtMs > idleSinceMs || this.audience.ledger.laggingCount > 0) return false;
    lifecycle.settings = null;
    this.publishing.sleep();
    this.membership.reset([]);
    this.audience.sleep();
    return true;
  }

  /** The partition is another pod's: nothing of this room may be acknowledged or sent any more. */
  close(): void {
    this.lifecycle.close();
    this.publishing.close();
    this.membership.close();
  }
}
