import { MemoryBusHub, MemoryMessageBus } from '@troupe/adapters-memory';
import {
  type ActorCommand,
  type CommandBatch,
  GatewayStreamWriter,
  type PublishCommand,
  decodeCommandBatch,
  partitionOf,
  subjects,
} from '@troupe/protocol';
import { SimClock } from '@troupe/testing';
import { type DoneResult, type PublishResult, RoomLink } from './room-link';

const EDGE = 'edge';
const ROOM = 'lobby';
const PARTITION = partitionOf(ROOM);
const DEADLINE_MS = 5_000;
const RETRY_MS = 1_000;

/** A pod that owns the lobby's partition: it notes every batch, and answers when the test says so. */
class Owner {
  readonly batches: CommandBatch[] = [];
  private readonly bus: MemoryMessageBus;
  private stop: () => void;

  constructor(private readonly world: World) {
    this.bus = world.connect();
    this.stop = this.serve();
  }

  get published(): string[] {
    return this.batches.flatMap(({ commands }) =>
      commands.flatMap((c) => (c.t === 'publish' ? [c.text] : [])),
    );
  }

  leave(): void {
    this.stop();
  }

  comeBack(): void {
    this.stop = this.serve();
  }

  announce(epoch: number): void {
    this.say(epoch);
    this.world.settle();
  }

  /** Says that it owns the partition; it is heard when the turn ends. */
  say(epoch: number): void {
    const notice = { pod: 'owner', gained: [[PARTITION, epoch]], released: [] };
    this.bus.publish(subjects.ownership, Buffer.from(JSON.stringify(notice)));
  }

  /** Answers one publish with this seq. */
  ack(text: string, seq: number): void {
    const { ref, id } = this.find(text);
    this.answer((to) => to.ack({ ref, seq, duplicate: false, id, at: this.world.clock.wallTime() }));
  }

  answer(write: (to: GatewayStreamWriter) => void): void {
    const writer = new GatewayStreamWriter();
    write(writer);
    this.bus.publish(subjects.gateway(EDGE), writer.take());
    this.world.settle();
  }

  find(text: string): PublishCommand {
    const all = this.batches.flatMap(({ commands }) => commands);
    const found = all.find((c): c is PublishCommand => c.t === 'publish' && c.text === text);
    if (!found) throw new Error(`${text} has not come`);
    return found;
  }

  private serve(): () => void {
    const subscription = this.bus.subscribe(subjects.partition(PARTITION), ({ payload }) =>
      this.batches.push(decodeCommandBatch(payload)),
    );
    return () => subscription.unsubscribe();
  }
}

class World {
  readonly clock = new SimClock();
  private readonly hub = new MemoryBusHub({ schedule: (drain) => this.clock.turnEnd(drain) });
  readonly wire = this.connect();
  /** What the link told its owner, in order. */
  readonly events: string[] = [];
  readonly results = new Map<string, PublishResult[]>();
  readonly link: RoomLink;
  private ids = 0;

  constructor(pendingMax = 100) {
    this.link = new RoomLink(
      EDGE,
      { bus: this.wire, clock: this.clock },
      { deadlineMs: DEADLINE_MS, retryMs: RETRY_MS, pendingMax },
      {
        message: (room, epoch, seq) => this.events.push(`message ${room} ${epoch} ${seq}`),
        piece: ({ room }) => this.events.push(`piece ${room}`),
        control: ({ c }) => this.events.push(c),
        ownerChanged: (partition) => this.events.push(`owner of ${partition}`),
        reconnected: () => this.events.push('reconnected'),
        failed: (error) => {
          throw error;
        },
      },
    );
    this.link.start();
  }

  connect(): MemoryMessageBus {
    return new MemoryMessageBus({
      hub: this.hub,
      clock: this.clock,
      onHandlerError: (error) => {
        throw error;
      },
    });
  }

  publish(...texts: string[]): void {
    for (const text of texts) {
      const results: PublishResult[] = [];
      this.results.set(text, results);
      this.link.publish({ room: ROOM, from: 'alice', id: `id-${++this.ids}`.padEnd(36, '0'), text }, (r) =>
        results.push(r),
      );
    }
  }

  settle(): void {
    this.clock.endTurn();
  }

  resultOf(text: string): PublishResult[] {
    return this.results.get(text) ?? [];
  }
}

const unavailable = { code: 'unavailable', message: expect.any(String) as string };

describe('a link to the rooms', () => {
  let world: World;
  let owner: Owner;

  beforeEach(() => {
    world = new World();
    owner = new Owner(world);
  });

  describe('sending', () => {
    it('puts all commands of one turn and partition into one bus message, in order', () => {
      world.publish('one', 'two');
      world.link.send({ t: 'detach', room: ROOM, session: 7 });
      world.settle();
      expect(owner.batches).toHaveLength(1);
      expect(owner.batches[0]).toMatchObject({ edge: EDGE, partition: PARTITION, epoch: 0 });
      expect(owner.batches[0]?.commands.map((c) => c.t)).toEqual(['publish', 'publish', 'detach']);
    });

    it('cuts a turn that is too large for one bus message, without changing the order', () => {
      const texts = Array.from({ length: 90 }, (_, i) => `${i} ${'x'.repeat(10_000)}`);
      world.publish(...texts);
      world.settle();
      expect(owner.batches.length).toBeGreaterThan(1);
      expect(owner.published).toEqual(texts);
    });

    it('says in each batch under which epoch it knows the owner', () => {
      owner.announce(4);
      world.publish('one');
      world.settle();
      expect(owner.batches[0]?.epoch).toBe(4);
    });

    it('refuses what is more than may be pending, at once', () => {
      const small = new World(2);
      small.publish('one', 'two', 'three');
      expect(small.resultOf('three')).toEqual([unavailable]);
      expect(small.link.pending).toBe(2);
    });
  });

  describe('answers', () => {
    it('reach the one who asked, once each', () => {
      world.publish('one', 'two');
      world.settle();
      owner.ack('two', 2);
      owner.ack('one', 1);
      owner.ack('one', 1);
      expect(world.resultOf('one')).toMatchObject([{ seq: 1, duplicate: false }]);
      expect(world.resultOf('two')).toMatchObject([{ seq: 2 }]);
      expect(world.link.pending).toBe(0);
    });

    it('may be a refusal, with what the client is to be told', () => {
      world.publish('one');
      world.settle();
      const { ref } = owner.find('one');
      owner.answer((to) =>
        to.control({ c: 'fail', ref, code: 'room_busy', message: 'busy', retryAfterMs: 9 }),
      );
      expect(world.resultOf('one')).toEqual([{ code: 'room_busy', message: 'busy', retryAfterMs: 9 }]);
    });

    it('of a member command give the head', () => {
      const results: DoneResult[] = [];
      world.link.member({ room: ROOM, user: 'bob', by: 'bob', change: 'join' }, (r) => results.push(r));
      world.settle();
      const command = owner.batches[0]?.commands[0] as Extract<ActorCommand, { t: 'member' }>;
      owner.answer((to) => to.control({ c: 'done', ref: command.ref, head: 12 }));
      expect(results).toEqual([{ head: 12 }]);
    });

    it('hand streams on to the fan-out', () => {
      owner.answer((to) => {
        to.message(ROOM, 1, 5, Buffer.from('{}'));
        to.piece({ room: ROOM, session: 1, epoch: 1, after: 0, upTo: 0, live: true }, []);
        to.control({ c: 'head', room: ROOM, epoch: 1, head: 5, sessions: 1 });
      });
      expect(world.events).toEqual([`message ${ROOM} 1 5`, `piece ${ROOM}`, 'head']);
    });
  });

  describe('when an answer does not come', () => {
    it('sends again after a while, in the same order, with the same ids', () => {
      world.publish('one', 'two');
      world.clock.advance(RETRY_MS + 300);
      expect(owner.published).toEqual(['one', 'two', 'one', 'two']);
      const ids = owner.batches.map(({ commands }) => commands.map((c) => c.t === 'publish' && c.id));
      expect(ids[0]).toEqual(ids[1]);
    });

    it('lets what is said in between go behind what is sent again', () => {
      world.publish('one');
      world.clock.advance(RETRY_MS - 1);
      owner.leave();
      world.publish('two');
      world.settle();
      world.publish('three');
      owner.comeBack();
      world.clock.advance(400);
      expect(owner.published).toEqual(['one', 'one', 'two', 'three']);
    });

    it('sends what waits in this very turn behind what it sends again', () => {
      world.publish('one');
      world.settle();
      owner.batches.length = 0;
      owner.say(2);
      world.publish('two');
      world.settle();
      expect(owner.published).toEqual(['one', 'two']);
    });

    it('fails with `unavailable` at the deadline, once, and ignores what comes later', () => {
      world.publish('one');
      world.clock.advance(DEADLINE_MS - 1);
      expect(world.resultOf('one')).toEqual([]);
      world.clock.advance(300);
      expect(world.resultOf('one')).toEqual([unavailable]);
      owner.ack('one', 1);
      world.clock.advance(DEADLINE_MS * 2);
      expect(world.resultOf('one')).toEqual([unavailable]);
      expect(world.link.pending).toBe(0);
    });

    it('answers everybody when it is stopped', () => {
      world.publish('one', 'two');
      world.settle();
      world.link.stop();
      expect([world.resultOf('one'), world.resultOf('two')]).toEqual([[unavailable], [unavailable]]);
    });
  });

  describe('when nobody serves the partition', () => {
    beforeEach(() => owner.leave());

    it('holds what comes, and sends it in order when an owner announces itself', () => {
      world.publish('one');
      world.settle();
      world.publish('two');
      world.settle();
      owner.comeBack();
      world.publish('three');
      owner.announce(2);
      expect(owner.published).toEqual(['one', 'two', 'three']);
      expect(owner.batches).toHaveLength(1);
    });

    it('has the rooms attached again before anything is published there', () => {
      const attach = { t: 'attach', room: ROOM, after: 3, sessions: [] } as const;
      const events = jest.spyOn(world.events, 'push').mockImplementation((...items: string[]) => {
        if (items[0]?.startsWith('owner')) world.link.send({ ...attach, sessions: [] });
        return 0;
      });
      world.publish('one');
      world.settle();
      owner.comeBack();
      owner.announce(2);
      events.mockRestore();
      expect(owner.batches[0]?.commands.map((c) => c.t)).toEqual(['attach', 'publish']);
    });

    it('tries again by itself, in case nobody announces anything', () => {
      world.publish('one');
      world.settle();
      owner.comeBack();
      world.clock.advance(20);
      expect(owner.published).toEqual(['one']);
      expect(world.events).toEqual([`owner of ${PARTITION}`]);
    });

    it('gives up at the deadline', () => {
      world.publish('one');
      world.clock.advance(DEADLINE_MS + 300);
      expect(world.resultOf('one')).toEqual([unavailable]);
    });

    it('drops what has no answer: a new owner is told everything again', () => {
      world.publish('one');
      world.settle();
      world.link.send({ t: 'detach', room: ROOM, session: 1 });
      owner.comeBack();
      owner.announce(2);
      expect(owner.batches.flatMap((b) => b.commands.map((c) => c.t))).toEqual(['publish']);
    });
  });

  describe('when the partition has moved', () => {
    it('waits a moment and sends everything again, in order', () => {
      world.publish('one', 'two');
      world.settle();
      const refs = [owner.find('one').ref, owner.find('two').ref];
      owner.answer((to) => to.control({ c: 'moved', partition: PARTITION, refs }));
      world.publish('three');
      world.settle();
      expect(owner.published).toEqual(['one', 'two']);
      world.clock.advance(20);
      expect(owner.published).toEqual(['one', 'two', 'one', 'two', 'three']);
    });

    it('sends everything again at once where the answer names the new epoch', () => {
      world.publish('one', 'two');
      world.settle();
      owner.answer((to) => to.control({ c: 'moved', partition: PARTITION, refs: [], epoch: 3 }));
      expect(owner.published).toEqual(['one', 'two', 'one', 'two']);
      expect(owner.batches.map((b) => b.epoch)).toEqual([0, 3]);
      expect(world.events).toEqual([`owner of ${PARTITION}`]);
    });

    it('ignores an answer about commands that are settled', () => {
      owner.answer((to) => to.control({ c: 'moved', partition: PARTITION, refs: [99] }));
      world.publish('one');
      world.settle();
      expect(owner.published).toEqual(['one']);
    });

    it('hears of each owner once, and of earlier ones never', () => {
      for (const epoch of [2, 2, 1, 3, 3, 2]) owner.announce(epoch);
      expect(world.events).toEqual([`owner of ${PARTITION}`, `owner of ${PARTITION}`]);
    });
  });

  describe('when the bus is away', () => {
    it('fails at once, and pends nothing', () => {
      world.wire.cut();
      world.publish('one');
      expect(world.resultOf('one')).toEqual([unavailable]);
      expect(world.link.pending).toBe(0);
    });

    it('sends again in order when it is back, after the owner was told', () => {
      world.publish('one', 'two');
      world.settle();
      owner.batches.length = 0;
      world.wire.cut();
      world.wire.heal();
      world.publish('three');
      world.settle();
      expect(world.events).toEqual(['reconnected']);
      expect(owner.published).toEqual(['one', 'two', 'three']);
    });

    it('opens blocked partitions before it tells that the bus is back', () => {
      owner.leave();
      world.publish('one');
      world.settle();
      const told = jest.spyOn(world.events, 'push').mockImplementation(() => {
        world.link.send({ t: 'attach', room: ROOM, after: 1, sessions: [] });
        return 0;
      });
      owner.comeBack();
      world.wire.cut();
      world.wire.heal();
      world.settle();
      told.mockRestore();
      expect(owner.batches[0]?.commands.map((c) => c.t)).toEqual(['attach', 'publish']);
    });
  });
});
