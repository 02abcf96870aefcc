import { type HistoryEvent, type Violation, checkHistory } from '@troupe/testing';
import { SimEdge } from './sim-edge';
import { SIM_LEASE_TTL_MS, SimPod } from './sim-pod';
import { SimPublisher } from './sim-publisher';
import type { SimSession } from './sim-session';
import { CALM_NETWORK, CALM_STORE, type PlantedBug, SimWorld } from './sim.world';

const DURABLE_ROOMS = ['lobby', 'kitchen', 'garden'];
const LIVE_ROOMS = ['ticker'];
const ROOMS = [...DURABLE_ROOMS, ...LIVE_ROOMS];
const USERS = ['alice', 'bob', 'charlie', 'dora'];
const EDGES = 2;
/** By when everything is delivered once all faults have ended: lease, hand-over, retries, the next repeat of a head. */
const LIVENESS_MS = 15_000;

export interface SimResult {
  violations: string[];
  events: readonly HistoryEvent[];
  /** How long after the last fault everybody had everything, in virtual milliseconds. */
  healedInMs: number;
}

/** A whole cluster in one turn-by-turn run: what it does, and what is done to it, comes from the seed alone. */
export class SimCluster {
  private readonly world: SimWorld;
  private readonly publishers: SimPublisher[];
  private pods: SimPod[] = [];
  private edges: SimEdge[] = [];
  private made = 0;
  private readonly roomIdleMs: number;
  private readonly lossy: boolean;

  constructor(
    seed: number,
    private readonly podCount: number,
    bug?: PlantedBug,
  ) {
    this.world = new SimWorld(seed, bug);
    const { random } = this.world;
    // Rooms that sleep soon say nothing more, so what was lost before is found only when they wake.
    this.lossy = random.chance(0.6);
    this.roomIdleMs = this.lossy ? 300_000 : 1_500;
    for (const room of ROOMS) this.createRoom(room);
    this.publishers = USERS.map(
      (user) => new SimPublisher(user, this.world, () => this.edges.filter((e) => e.alive)),
    );
    for (let i = 0; i < podCount; i++) this.startPod();
    for (let i = 0; i < EDGES; i++) this.startEdge();
  }

  async run(steps: number): Promise<SimResult> {
    const { clock, random } = this.world;
    await clock.run(400);
    for (const edge of this.edges) for (const user of USERS.slice(0, 3)) this.openSession(edge, user);
    for (let i = 0; i < steps && this.world.violations.length === 0; i++) {
      this.step();
      await clock.run(1 + random.below(60));
      this.check();
    }
    const healedInMs = await this.heal();
    return {
      violations: [...this.world.violations, ...this.judge()],
      events: this.world.recorder.events,
      healedInMs,
    };
  }

  // ── What may happen ───────────────────────────────────────────────────────────────────────────────────────────

  private step(): void {
    const { random } = this.world;
    const die = random.next();
    if (die < 0.55) this.publishSome();
    for (const edge of this.edges) {
      for (const session of edge.sessions) if (random.chance(0.4)) session.read(random.below(6));
    }
    if (die > 0.94) this.disturbPod();
    else if (die > 0.91) this.disturbEdge();
    else if (die > 0.87) this.disturbSession();
    else if (die > 0.83) this.disturbNetwork();
    else if (die > 0.8) this.disturbStore();
  }

  private publishSome(): void {
    const { random } = this.world;
    const publisher = random.pick(this.publishers);
    const room = random.pick(ROOMS);
    for (let i = 1 + random.below(4); i > 0; i--) publisher.publish(room);
  }

  private disturbPod(): void {
    const { random, clock } = this.world;
    if (this.pods.length === 0) return;
    const pod = random.pick(this.pods);
    switch (random.below(5)) {
      case 0:
        pod.kill();
        clock.after(random.below(1_500), () => this.startPod());
        break;
      case 1:
        pod.stop();
        clock.after(random.below(300), () => this.startPod());
        break;
      case 2:
      case 3:
        pod.clock.pause();
        clock.after(random.below(3 * SIM_LEASE_TTL_MS), () => pod.clock.resume(this.resumption()));
        break;
      case 4:
        pod.setCut(true);
        clock.after(random.below(2 * SIM_LEASE_TTL_MS), () => pod.alive && pod.setCut(false));
    }
    this.pods = this.pods.filter((p) => p.alive);
  }

  private resumption(): 'as it came' | 'arrivals first' {
    return this.world.random.chance(0.5) ? 'as it came' : 'arrivals first';
  }

  private disturbEdge(): void {
    const { random, clock } = this.world;
    const edge = random.pick(this.edges);
    switch (random.below(3)) {
      case 0: {
        const clients = [...edge.sessions].filter((s) => s.open);
        edge.kill();
        this.edges = this.edges.filter((e) => e !== edge);
        const next = this.startEdge();
        for (const client of clients) clock.after(random.below(500), () => this.comeBack(client, next));
        break;
      }
      case 1:
        edge.setCut(true);
        clock.after(random.below(1_000), () => edge.alive && edge.setCut(false));
        break;
      case 2:
        edge.clock.pause();
        clock.after(random.below(1_000), () => edge.clock.resume(this.resumption()));
    }
  }

  private disturbSession(): void {
    const { random, clock } = this.world;
    const edge = random.pick(this.edges);
    const session = [...edge.sessions].filter((s) => s.open)[random.below(4)];
    if (!session || edge.clock.paused) return;
    const room = random.pick(ROOMS);
    switch (random.below(3)) {
      case 0:
        session.close();
        edge.sessions.delete(session);
        clock.after(random.below(1_000), () => this.comeBack(session, random.pick(this.edges)));
        break;
      case 1:
        if (session.subscriptions.has(room)) session.leave(room);
        else this.join(session, room);
        break;
      case 2:
        this.openSession(edge, random.pick(USERS));
    }
  }

  private disturbNetwork(): void {
    const { random, network } = this.world;
    if (!this.lossy || random.chance(0.4)) {
      Object.entries(CALM_NETWORK).forEach(([key, value]) => Reflect.set(network, key, value));
      network.delayMsMax = 1 + random.below(60);
      return;
    }
    network.drop = random.pick([0, 0.02, 0.1, 0.4]);
    network.duplicate = random.pick([0, 0.1]);
    network.delayMsMax = 1 + random.below(60);
    network.reorder = random.chance(0.2);
  }

  private disturbStore(): void {
    const { random, store } = this.world;
    store.latencyMsMax = 1 + random.below(40);
    store.failBefore = random.pick([0, 0, 0.1, 0.5]);
    store.failAfter = random.pick([0, 0, 0.1, 0.5]);
    store.late = random.pick([0, 0, 0.1]);
  }

  // ── Who is there ──────────────────────────────────────────────────────────────────────────────────────────────

  private createRoom(room: string): void {
    this.world.database.createRoom({
      room,
      kind: 'group',
      title: null,
      open: true,
      durable: DURABLE_ROOMS.includes(room),
      onOverflow: 'drop-oldest',
      members: USERS.map((user) => ({ user, role: 'member' })),
    });
    this.world.recorder.room(room, { durable: DURABLE_ROOMS.includes(room) });
  }

  private startPod(): void {
    if (this.pods.length < this.podCount)
      this.pods.push(new SimPod(`pod-${++this.made}`, this.world, this.roomIdleMs));
  }

  private startEdge(): SimEdge {
    const edge = new SimEdge(`edge-${++this.made}`, this.world);
    this.edges.push(edge);
    return edge;
  }

  private openSession(edge: SimEdge, user: string): void {
    const session = edge.openSession(`${user}#${++this.made}`, user);
    for (const room of ROOMS) if (this.world.random.chance(0.8)) this.join(session, room);
  }

  /** The gateway has read the head from the store a moment ago. Of a room that is not durable, the store knows none. */
  private join(session: SimSession, room: string, resumeAfter?: number): void {
    const head = DURABLE_ROOMS.includes(room) ? this.world.headOf(room) : -1;
    session.edge.clock.after(this.world.random.below(30), () => {
      if (session.open) session.join(room, resumeAfter === undefined ? { head } : { head, resumeAfter });
    });
  }

  private comeBack(client: SimSession, edge: SimEdge): void {
    if (!edge.alive) return;
    const session = edge.openSession(`${client.user}#${++this.made}`, client.user);
    for (const [room, told] of client.told) this.join(session, room, told);
  }

  // ── What must hold ────────────────────────────────────────────────────────────────────────────────────────────

  private check(): void {
    for (const pod of this.pods) pod.check();
  }

  /** Ends all faults, lets everybody read, and waits until everybody has everything. */
  private async heal(): Promise<number> {
    const { clock, network, store } = this.world;
    for (const [key, value] of Object.entries(CALM_NETWORK)) Reflect.set(network, key, value);
    for (const [key, value] of Object.entries(CALM_STORE)) Reflect.set(store, key, value);
    for (const process of [...this.pods, ...this.edges]) {
      process.clock.resume();
      if (process.cut) process.setCut(false);
    }
    this.startPod();
    const startMs = clock.nowMs();
    for (;;) {
      const passedMs = clock.nowMs() - startMs;
      if (passedMs > 3_000 && this.missing().length === 0) return passedMs;
      if (this.world.violations.length > 0) return passedMs;
      if (passedMs > LIVENESS_MS) {
        this.world.violated(
          `not complete ${LIVENESS_MS} ms after the last fault: ${this.missing().join(', ')}`,
        );
        return passedMs;
      }
      for (const edge of this.edges) for (const session of edge.sessions) session.read(Infinity);
      await clock.run(50);
      this.check();
    }
  }

  /** What is still to come: answers to publishers, and messages or gaps to sessions. */
  private missing(): string[] {
    const answers = this.publishers.flatMap((p) =>
      p.unanswered > 0 ? [`${p.unanswered} answers to ${p.user}`] : [],
    );
    const sessions = this.edges.flatMap((edge) => [...edge.sessions].filter((s) => s.open));
    const heads = new Map(ROOMS.map((room) => [room, this.headOf(room)]));
    const deliveries = sessions.flatMap(({ name, subscriptions, told }) =>
      [...subscriptions].flatMap(([room, { state, group }]) => {
        const head = heads.get(room) ?? 0;
        const upTo = told.get(room) ?? -1;
        return upTo < head
          ? [`${name} has ${room} up to ${upTo} of ${head} (${state}, stream at ${group.seq})`]
          : [];
      }),
    );
    const lagging = this.pods.reduce((sum, { host }) => sum + host.mailboxesLagging, 0);
    const ghosts = deliveries.length === 0 && lagging > 0 ? [`${lagging} mailboxes of nobody`] : [];
    return [...answers, ...deliveries, ...ghosts];
  }

  private headOf(room: string): number {
    if (DURABLE_ROOMS.includes(room)) return this.world.headOf(room);
    let head = 0;
    for (const event of this.world.recorder.events) {
      if (event.t === 'ack' && event.room === room) head = Math.max(head, event.seq);
    }
    return head;
  }

  private judge(): string[] {
    const { recorder, database } = this.world;
    for (const room of DURABLE_ROOMS)
      recorder.final(
        room,
        database.log(room).rows.map(({ data: _data, ...message }) => message),
      );
    return checkHistory(recorder.events)
      .filter((violation) => this.isPromised(violation))
      .map(({ invariant, room, detail }) => `${invariant} in ${room}: ${detail}`);
  }

  /** On a bus that loses single commands, what is sent again comes after what was sent in between. */
  private isPromised({ invariant }: Violation): boolean {
    return invariant !== 'sender-order' || !this.lossy;
  }
}
