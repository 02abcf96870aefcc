import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  expectCorrectHistory,
  HistoryRecorder,
  longestAckGaps,
  type ServiceProcess,
  TestClient,
  untilSucceeds,
} from '@troupe/testing';
import { Cluster } from './support/cluster';
import { HoldingProxy } from './support/holding-proxy';
import { createGroup, type Person, registerPeople } from './support/people';
import { report } from './support/report';
import { RoomPublisher } from './support/room-publisher';
import { WriteAudit } from './support/write-audit';

/*
 * Goal: no acked message is lost, doubled or reordered while room-actors are stopped, killed, suspended and cut off
 * from the database under load, and while NATS, Redis and Postgres are killed and come back.
 * Method: real processes; 20 rooms of 10 members, two publishers a room on different gateways. Every ack and every
 * frame is recorded, and the database notes by itself who wrote under which epoch. At the end everything comes to
 * rest, all histories are read to their end, and the checker looks for a counter-example to any promise.
 *
 *   publisher → gateway-1 → NATS → room-actor-1  ⨯ SIGTERM, SIGKILL, SIGSTOP → gateway-1, gateway-2 → 10 members
 *   publisher → gateway-2 → NATS → room-actor-2 ───────────────────────────→ gateway-1, gateway-2 → 10 members
 */
jest.setTimeout(240_000);

const USERS = Array.from({ length: 10 }, (_, i) => `user-${i}`);
const ROOMS = Array.from({ length: 20 }, (_, i) => `room-${i}`);
const PARTITIONS = 256;
const EVERY_MS = 100;

describe('a cluster of real processes under load', () => {
  const recorder = new HistoryRecorder();
  const clients: TestClient[] = [];
  const publishers: RoomPublisher[] = [];
  let people: Person[] = [];
  let cluster: Cluster;
  let audit: WriteAudit;
  let proxy: HoldingProxy;

  beforeAll(async () => {
    cluster = await Cluster.start({
      gateways: 2,
      roomActors: 2,
      afterSetUp: async (databaseUrl) => {
        audit = await WriteAudit.install(databaseUrl, ROOMS);
      },
    });
    proxy = await HoldingProxy.start({ host: '127.0.0.1', port: cluster.postgres.port });
    const { http } = cluster.edge;
    people = await registerPeople(http, USERS);
    const [first, ...others] = people;
    if (!first) throw new Error('nobody registered');
    for (const room of ROOMS) await createGroup(http, room, [first, ...others]);
    for (const [at, { token }] of people.entries()) {
      const url = cluster.gateways[at % 2]?.wsUrl ?? '';
      clients.push(await TestClient.connect({ url, token, recorder, keepFrames: false }));
    }
    for (const [at, room] of ROOMS.entries()) {
      publishers.push(publisherOf(room, at, 1), publisherOf(room, at + 1, at % 4 === 0 ? 5 : 1));
    }
    for (const publisher of publishers) publisher.start();
    await untilEachRoomAcks(20);
  });

  afterAll(async () => {
    await Promise.all(clients.map((client) => client.terminate()));
    await audit?.close();
    await cluster?.stop();
    await proxy?.stop();
  });

  function publisherOf(room: string, member: number, inFlight: number): RoomPublisher {
    const client = clients[member % clients.length];
    if (!client) throw new Error('no session');
    return new RoomPublisher(client, room, { name: `${room}.${member}`, everyMs: EVERY_MS, inFlight });
  }

  /** Resolves when every room has had `count` more acks. */
  async function untilEachRoomAcks(count: number, deadlineMs = 15_000): Promise<void> {
    const ackedIn = (room: string): number =>
      publishers.filter((p) => p.room === room).reduce((sum, p) => sum + p.acked.length, 0);
    const goals = ROOMS.map((room) => ({ room, goal: ackedIn(room) + count }));
    await untilSucceeds(`${count} acks in each room`, { deadlineMs }, () => {
      const behind = goals.filter(({ room, goal }) => ackedIn(room) < goal).map(({ room }) => room);
      if (behind.length > 0) throw new Error(`not yet in ${behind.join(', ')}`);
    });
  }

  async function untilOwning(
    service: ServiceProcess,
    partitions: number,
    deadlineMs = 15_000,
  ): Promise<void> {
    await untilSucceeds(`${service.name} owning ${partitions} partitions`, { deadlineMs }, async () => {
      const owned = (await cluster.metricsOf(service)).value('troupe_partitions_owned');
      if (owned !== partitions) throw new Error(`it owns ${owned}`);
    });
  }

  /** No publisher begins anything more, and what was begun is acked. */
  async function quiet(): Promise<void> {
    await Promise.all(publishers.map((publisher) => publisher.stop()));
  }

  function expectSocketsToStay(): void {
    expect(clients.filter((client) => !client.isOpen)).toEqual([]);
  }

  /** The longest time without an ack that any room had since `fromMs`; prints it. */
  function longestGapSince(fromMs: number, what: string): number {
    const [longest] = longestAckGaps(recorder.events, ROOMS, { fromMs, toMs: performance.now() });
    if (!longest) throw new Error('no rooms');
    report(`${what}: longest time without an ack ${longest.gapMs.toFixed(0)} ms (${longest.room})`);
    return longest.gapMs;
  }

  function actorAt(at: number): ServiceProcess {
    const actor = cluster.roomActors[at];
    if (!actor) throw new Error(`no room-actor at ${at}`);
    return actor;
  }

  it('spreads the partitions evenly over the room-actors', async () => {
    await Promise.all(cluster.roomActors.map((actor) => untilOwning(actor, PARTITIONS / 2)));
    const fromMs = performance.now();
    await untilEachRoomAcks(20);
    longestGapSince(fromMs, 'no fault');
  });

  it('hands the rooms of a stopped pod over in less than a second, with every socket open', async () => {
    const leaving = actorAt(0);
    const fromMs = performance.now();
    leaving.kill('SIGTERM');
    expect(await leaving.exited).toEqual({ code: 0, signal: null });
    report(`SIGTERM: the pod exits after ${(performance.now() - fromMs).toFixed(0)} ms`);
    cluster.forget(leaving);
    await untilEachRoomAcks(20);
    const gapMs = longestGapSince(fromMs, 'SIGTERM');
    expectSocketsToStay();
    expect(gapMs).toBeLessThan(1_000);
  });

  it('moves half of the rooms to a pod that joins in less than a second', async () => {
    const fromMs = performance.now();
    const joining = await cluster.startRoomActor();
    await untilOwning(joining, PARTITIONS / 2);
    await untilEachRoomAcks(20);
    const gapMs = longestGapSince(fromMs, 'a pod joins');
    expectSocketsToStay();
    expect(gapMs).toBeLessThan(1_000);
  });

  it('has the rooms of a killed pod back within 3 s', async () => {
    const killed = actorAt(0);
    const fromMs = performance.now();
    killed.kill('SIGKILL');
    await killed.exited;
    cluster.forget(killed);
    await untilEachRoomAcks(20);
    const gapMs = longestGapSince(fromMs, 'SIGKILL');
    expectSocketsToStay();
    expect(gapMs).toBeLessThan(3_000);
    await untilOwning(actorAt(0), PARTITIONS);
  });

  it('refuses what a pod writes that was suspended past its lease, and the pod steps down', async () => {
    const zombie = await cluster.startRoomActor();
    const survivor = actorAt(0);
    await Promise.all([untilOwning(zombie, PARTITIONS / 2), untilOwning(survivor, PARTITIONS / 2)]);
    const before = await cluster.metricsOf(zombie);
    const fromMs = performance.now();
    zombie.kill('SIGSTOP');
    await untilOwning(survivor, PARTITIONS);
    await untilEachRoomAcks(20);
    longestGapSince(fromMs, 'SIGSTOP');

    const wokenAtMs = performance.now();
    zombie.kill('SIGCONT');
    await untilSucceeds('the suspended pod stepping down', { deadlineMs: 10_000 }, async () => {
      const now = await cluster.metricsOf(zombie);
      const rose = (name: string): boolean => now.value(name) > before.value(name);
      // Partitions that it takes anew are partitions that it had let go.
      const steppedDown =
        rose('troupe_fence_rejections_total') ||
        rose('troupe_partition_takeovers_total') ||
        now.value('troupe_partitions_owned') === 0;
      if (!steppedDown) throw new Error(`it still owns ${now.value('troupe_partitions_owned')}`);
    });
    await Promise.all([untilOwning(zombie, PARTITIONS / 2), untilOwning(survivor, PARTITIONS / 2)]);
    await untilEachRoomAcks(20);
    longestGapSince(wokenAtMs, 'SIGCONT');
    const rejections = (await cluster.metricsOf(zombie)).value('troupe_fence_rejections_total');
    report(`SIGCONT: the store refused ${rejections} writes of the pod`);
    expectSocketsToStay();
  });

  /*
   *   room-actor ──commit──> ⨯ held ⨯ ······ the lease ends, another pod takes over, writes ······ released ──> Postgres
   */
  it.each([
    { direction: 'requests', what: 'a commit that arrives after the lease of its pod has ended' },
    { direction: 'answers', what: 'a commit whose answer arrives after the lease of its pod has ended' },
  ] as const)('does right by $what', async ({ direction }) => {
    const survivor = actorAt(0);
    const replaced = actorAt(1);
    replaced.kill('SIGTERM');
    await replaced.exited;
    cluster.forget(replaced);
    const late = await cluster.startRoomActor(proxy.port);
    await Promise.all([untilOwning(late, PARTITIONS / 2), untilOwning(survivor, PARTITIONS / 2)]);
    await untilEachRoomAcks(5);
    const fromMs = performance.now();
    proxy.hold(direction);
    await untilOwning(survivor, PARTITIONS);
    await untilEachRoomAcks(20);
    longestGapSince(fromMs, `${direction} of a pod to Postgres held`);
    proxy.release();
    if (direction === 'requests') {
      // What it had sent in time came too late: Postgres itself refuses it.
      await untilSucceeds('a refusal by the fence', { deadlineMs: 10_000 }, async () => {
        const refused = (await cluster.metricsOf(late)).value('troupe_fence_rejections_total');
        if (refused === 0) throw new Error('none yet');
        report(`the store refused ${refused} late writes`);
      });
    }
    await Promise.all([untilOwning(late, PARTITIONS / 2), untilOwning(survivor, PARTITIONS / 2)]);
    await untilEachRoomAcks(20);
    expectSocketsToStay();
  });

  it.each(['nats', 'redis', 'postgres'] as const)(
    'goes on after %s was killed and came back',
    async (name) => {
      const server = cluster[name];
      await audit.close();
      await server.kill('SIGKILL');
      await server.restart();
      const backMs = performance.now();
      await audit.reopen();
      await untilEachRoomAcks(20);
      const gapMs = longestGapSince(backMs, `${name} is back`);
      expectSocketsToStay();
      expect(gapMs).toBeLessThan(5_000);
    },
  );

  it('answers a clientId from before all faults with the ack that it had then', async () => {
    await quiet();
    for (const { client, room, acked, textOf } of publishers) {
      for (const clientId of [acked[0], acked[Math.floor(acked.length / 2)], acked.at(-1)]) {
        if (clientId !== undefined) await client.publish({ room, clientId, text: textOf(clientId) });
      }
    }
  });

  it('has lost, doubled, reordered and hidden nothing', async () => {
    await quiet();
    const { http } = cluster.edge;
    const reader = http.as(people[0]?.token ?? '');
    const heads = new Map<string, number>();
    for (const room of ROOMS) {
      const messages = await reader.wholeHistory(room);
      recorder.final(room, messages);
      heads.set(room, messages.length);
    }
    const settled = await untilSucceeds('every session at every head', { deadlineMs: 10_000 }, () => {
      for (const client of clients) {
        for (const [room, head] of heads) {
          const seq = client.lastSeqs()[room] ?? 0;
          if (seq < head) throw new Error(`${client.label} is at ${seq} of ${head} in ${room}`);
        }
      }
    }).catch((error: unknown) => error);
    const rows = await audit.rows();
    recorder.rows(rows);

    const count = (t: string): number => recorder.events.filter((e) => e.t === t).length;
    report(
      `${count('ack')} acks, ${count('error')} errors, ${count('receive')} deliveries, ${count('gap')} gaps`,
    );
    try {
      expectCorrectHistory(recorder.events);
    } catch (error) {
      const kept = join(tmpdir(), `troupe-history-${process.pid}.jsonl`);
      recorder.writeTo(kept);
      report(`the history is kept in ${kept}`);
      throw error;
    }
    expect(settled).toBeUndefined();
    expect(rows).toHaveLength([...heads.values()].reduce((sum, head) => sum + head, 0));
    expect(new Set(rows.map((row) => row.writer)).size).toBeGreaterThanOrEqual(3);
  });
});
