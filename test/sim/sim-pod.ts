import { type MailboxTotals, zeroTotals } from '@troupe/actor-core';
import { MemoryLeaseStore, type MemoryMessageBus, MemoryRoomStore } from '@troupe/adapters-memory';
import {
  BusUnavailable,
  type CommitOutcome,
  type CommitRow,
  type Fence,
  StoreUnavailable,
} from '@troupe/ports';
import { ROOM_KINDS, type RoomKind } from '@troupe/protocol';
import { RoomHost, type RoomHostSettings } from '../../apps/room-actor/src/hosting/room-host';
import type { ProcessClock } from './process-clock';
import { RemoteCalls, RemoteLeaseStore, RemoteRoomStore } from './remote-stores';
import type { SimWorld } from './sim.world';

export const SIM_LEASE_TTL_MS = 900;

export function simSettings(roomIdleMs: number): RoomHostSettings {
  return {
    room: { ring: { messagesMax: 6, bytesMax: 100_000 }, pendingMax: 40, recentMax: 10, resumeMax: 25 },
    commit: { batchMessagesMax: 8, batchBytesMax: 100_000, queueMax: 100 },
    lease: { ttlMs: SIM_LEASE_TTL_MS, renewMs: 250, pollMs: 150 },
    edgeTtlMs: 4_000,
    roomIdleMs,
    seqReserve: 7,
  };
}

/** A room-actor pod: the real host, on simulated time, network and database. */
export class SimPod {
  readonly host: RoomHost;
  readonly clock: ProcessClock;
  private readonly wire: MemoryMessageBus;
  private readonly books: Record<RoomKind, MailboxTotals> = {
    private: zeroTotals(),
    group: zeroTotals(),
    channel: zeroTotals(),
  };
  alive = true;
  cut = false;

  constructor(
    readonly name: string,
    private readonly world: SimWorld,
    roomIdleMs: number,
  ) {
    const { clock, bus, wire } = world.spawn();
    this.clock = clock;
    this.wire = wire;
    const remote = new RemoteCalls(world.clock, clock, world.random.fork(), world.store);
    const Store = world.bug === 'ack before commit' ? EagerRoomStore : RemoteRoomStore;
    const rooms = new Store(new MemoryRoomStore(world.database), remote, (rows, fence, outcome) =>
      world.committed(rows, fence, outcome),
    );
    this.host = new RoomHost(
      name,
      {
        bus,
        clock,
        rooms,
        leases: new RemoteLeaseStore(new MemoryLeaseStore(world.database), remote),
        metrics: {
          committed: () => undefined,
          fenced: () => undefined,
          published: () => undefined,
          takenOver: () => undefined,
          mailboxes: (kind) => this.books[kind],
        },
        onError: (error) => {
          if (!(error instanceof StoreUnavailable) && !(error instanceof BusUnavailable)) world.failed(error);
        },
      },
      simSettings(roomIdleMs),
    );
    this.host.start();
  }

  /** The books hold at every moment. */
  check(): void {
    for (const kind of ROOM_KINDS) {
      const { accepted, delivered, dropped, waiting } = this.books[kind];
      if (accepted !== delivered + dropped + waiting || waiting < 0)
        this.world.violated(`${this.name} has books that do not add up: ${JSON.stringify(this.books[kind])}`);
    }
  }

  kill(): void {
    this.alive = false;
    this.clock.kill();
    this.wire.cut();
  }

  /** SIGTERM: hands over, then ends. */
  stop(): void {
    this.alive = false;
    void this.host.stop().then(() => this.kill());
  }

  setCut(cut: boolean): void {
    this.cut = cut;
    if (cut) this.wire.cut();
    else this.wire.heal();
  }
}

/** A planted bug: answers before the statement has even been sent. */
class EagerRoomStore extends RemoteRoomStore {
  override commit(rows: readonly CommitRow[], fence: Fence): Promise<CommitOutcome> {
    super.commit(rows, fence).catch(() => undefined);
    return Promise.resolve({ kind: 'committed', lost: new Set() });
  }
}
