import {
  BusUnavailable,
  type Clock,
  type Fence,
  type MessageBus,
  type RoomRecord,
  type RoomStore,
} from '@troupe/ports';
import { type MembershipNotice, type Message, type Subject, partitionOf, subjects } from '@troupe/protocol';
import type { MemberChange, MemberChangeResult, PendingMessage, Room, RoomOutput } from '@troupe/room';
import type { Committer } from './committer';
import type { HostMetrics } from './host-metrics';
import type { Partition } from './partition';
import type { RoomLoader } from './room-loader';

export interface StoreOutputPorts {
  bus: MessageBus;
  rooms: RoomStore;
  clock: Clock;
  loader: RoomLoader<RoomRecord>;
  heads: RoomLoader<number>;
  committer: Committer;
  metrics: HostMetrics;
  onError(error: unknown): void;
}

/** Carries out what rooms ask for, against the store and the bus, and brings them the results. */
export class StoreOutput implements RoomOutput {
  constructor(
    private readonly ports: StoreOutputPorts,
    private readonly seqReserve: number,
    private readonly find: (room: string) => { room: Room; partition: Partition } | null,
    private readonly fence: (partition: number) => Fence,
  ) {}

  load(id: string): void {
    const { loader, clock } = this.ports;
    const asked = this.find(id)?.room;
    loader.load(id, (record) => {
      // The partition may have moved away, or away and back, while the store was asked.
      const room = this.find(id)?.room;
      if (!room || room !== asked) return;
      if (record === 'failed') room.loadFailed();
      else room.loaded(record, { nowMs: clock.nowMs(), at: clock.wallTime() });
    });
  }

  head(id: string, done: (head: number | null) => void): void {
    const asked = this.find(id)?.room;
    this.ports.heads.load(id, (head) => {
      if (this.find(id)?.room === asked) done(head === 'failed' ? null : (head ?? 0));
    });
  }

  get saturated(): boolean {
    return this.ports.committer.full;
  }

  commit(id: string, message: PendingMessage): void {
    const found = this.find(id);
    if (found) this.ports.committer.add(found.partition, found.room, message);
  }

  reserve(id: string, done: (reservedTo: number | null) => void): void {
    const partition = partitionOf(id);
    this.settle(
      this.ports.rooms.reserve(id, partition, this.seqReserve, this.fence(partition)),
      done,
      (error) => {
        this.ports.onError(error);
        done(null);
      },
    );
  }

  fetch(
    id: string,
    page: { after: number; limit: number },
    done: (messages: Message[] | null) => void,
  ): void {
    this.settle(
      this.ports.rooms.history(id, page),
      ({ messages }) => done(messages),
      (error) => {
        this.ports.onError(error);
        done(null);
      },
    );
  }

  changeMember(change: MemberChange, done: (result: MemberChangeResult) => void): void {
    const { room, user, role } = change;
    const partition = partitionOf(room);
    const fence = this.fence(partition);
    const write =
      change.change === 'join'
        ? this.ports.rooms.putMember({ room, partition, user, role }, fence)
        : this.ports.rooms.removeMember({ room, partition, user }, fence);
    this.settle(
      write,
      (held) => done(held ? 'done' : 'moved'),
      (error) => {
        const notFound = error instanceof Error && 'code' in error && error.code === 'not_found';
        if (!notFound) this.ports.onError(error);
        done(notFound ? 'not_found' : 'unavailable');
      },
    );
  }

  published({ room }: { room: string }, body: Uint8Array): void {
    const { bus, metrics } = this.ports;
    const kind = this.find(room)?.room.kind;
    if (kind) metrics.published(kind);
    tell(bus, subjects.roomEvents(room), body);
  }

  memberChanged({ room, user, change }: MemberChange, head: number): void {
    const { bus } = this.ports;
    const what = change === 'join' ? 'joined' : 'left';
    const notice: MembershipNotice = { room, user, change: what, head };
    tell(bus, subjects.membership, Buffer.from(JSON.stringify(notice)));
    const event = { type: 'member', room, user, change: what };
    tell(bus, subjects.roomEvents(room), Buffer.from(JSON.stringify(event)));
  }

  /** Brings a result to a room. What the room throws is reported, as what a command handler throws is. */
  private settle<T>(result: Promise<T>, done: (value: T) => void, failed: (error: unknown) => void): void {
    result.then(done, failed).catch((error: unknown) => this.ports.onError(error));
  }
}

/** Says something to whoever listens, at most once: what the bus cannot take now is not kept. */
export function tell(bus: MessageBus, subject: Subject, payload: Uint8Array): void {
  try {
    bus.publish(subject, payload);
  } catch (error) {
    if (!(error instanceof BusUnavailable)) throw error;
  }
}
