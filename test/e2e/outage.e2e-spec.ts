import {
  expectCorrectHistory,
  HistoryRecorder,
  Refused,
  TestClient,
  type TestServer,
  untilSucceeds,
} from '@troupe/testing';
import { Cluster } from './support/cluster';
import { createGroup, type Person, registerPeople } from './support/people';
import { report } from './support/report';

/*
 * Goal: while NATS or Postgres is gone, publishes fail fast, nothing grows and no socket is lost; when it is back, the
 * service goes on by itself within 5 s, and whatever was acked is still there.
 * Method: one process of each kind; the server is killed, two members keep publishing, the server comes back.
 */
jest.setTimeout(180_000);

/** "Fast" for a publish that cannot succeed. */
const FAIL_MS_MAX = 2_000;
const RESUME_MS_MAX = 5_000;
/** As many as one session may have without an answer. */
const ROUND = 1_000;
const ROUNDS = 6;
const GROWTH_BYTES_MAX = 48 * 1_024 * 1_024;
const TEXT = 'x'.repeat(1_024);

describe('an outage', () => {
  const recorder = new HistoryRecorder();
  let cluster: Cluster;
  let people: [Person, Person];
  let a: TestClient;
  let b: TestClient;
  let published = 0;

  beforeAll(async () => {
    cluster = await Cluster.start({
      gateways: 1,
      roomActors: 1,
      env: {
        MESSAGES_PER_SECOND: '100000',
        MESSAGES_BURST: '100000',
        FRAMES_PER_SECOND: '100000',
        FRAMES_BURST: '100000',
      },
    });
    const { http, wsUrl } = cluster.edge;
    people = (await registerPeople(http, ['ann', 'ben'])) as [Person, Person];
    await createGroup(http, 'room', people);
    [a, b] = (await Promise.all(
      people.map(({ token }) => TestClient.connect({ url: wsUrl, token, recorder })),
    )) as [TestClient, TestClient];
  });

  afterAll(async () => {
    await Promise.all([a, b].map((client) => client?.terminate()));
    await cluster?.stop();
  });

  const publish = (client: TestClient, deadlineMs?: number) => {
    const clientId = `m-${++published}`;
    return client.publish({ room: 'room', clientId, text: `${clientId} ${TEXT}` }, deadlineMs);
  };

  /** Publishes `count` messages at once; each must be refused with a temporary error, and soon. */
  async function expectRefusals(count: number, codes: string[]): Promise<void> {
    const fromMs = performance.now();
    const answers = await Promise.allSettled(Array.from({ length: count }, () => publish(a, FAIL_MS_MAX)));
    const unexpected = answers.flatMap((answer) => {
      if (answer.status === 'fulfilled') return [`ack of seq ${answer.value.seq}`];
      const error: unknown = answer.reason;
      return error instanceof Refused && codes.includes(error.code) ? [] : [String(error).slice(0, 200)];
    });
    expect(unexpected.slice(0, 5)).toEqual([]);
    expect(performance.now() - fromMs).toBeLessThan(FAIL_MS_MAX);
  }

  async function residentBytes(): Promise<number[]> {
    return Promise.all(
      [cluster.edge.process, ...cluster.roomActors].map(async (service) =>
        (await cluster.metricsOf(service)).value('process_resident_memory_bytes'),
      ),
    );
  }

  async function expectNothingToGrow(what: string): Promise<void> {
    await expectRefusals(ROUND, ['unavailable', 'room_busy']);
    const before = await residentBytes();
    for (let round = 0; round < ROUNDS; round += 1) await expectRefusals(ROUND, ['unavailable', 'room_busy']);
    const after = await residentBytes();
    const growth = after.map((bytes, at) => bytes - (before[at] ?? 0));
    report(
      `${what}: gateway and room-actor grew by ${growth.map((g) => (g / 2 ** 20).toFixed(1)).join(' and ')} MiB`,
    );
    expect(Math.max(...growth)).toBeLessThan(GROWTH_BYTES_MAX);
  }

  /** Publishes until it is acked, as a client would: the same clientId again. */
  async function untilAcked(what: string, fromMs: number): Promise<void> {
    const clientId = `m-${++published}`;
    const ack = await untilSucceeds(`an ack after the return of ${what}`, { deadlineMs: RESUME_MS_MAX }, () =>
      a.publish({ room: 'room', clientId, text: `${clientId} ${TEXT}` }, RESUME_MS_MAX),
    );
    const tookMs = performance.now() - fromMs;
    report(`${what}: service resumed ${tookMs.toFixed(0)} ms after its return`);
    expect(tookMs).toBeLessThan(RESUME_MS_MAX);
    await b.next('message', (f) => f.id === ack.messageId);
  }

  /** The leases have run out, or been let go. */
  async function untilNobodyOwnsAnything(): Promise<void> {
    await untilSucceeds('the end of all leases', { deadlineMs: 10_000 }, async () => {
      for (const actor of cluster.roomActors) {
        const owned = (await cluster.metricsOf(actor)).value('troupe_partitions_owned');
        if (owned > 0) throw new Error(`${actor.name} owns ${owned}`);
      }
    });
  }

  async function expectReadiness(status: number): Promise<void> {
    await untilSucceeds(`/readyz answering ${status}`, { deadlineMs: RESUME_MS_MAX }, async () => {
      const reply = await cluster.edge.http.call('GET', '/readyz');
      if (reply.status !== status) throw new Error(`it answers ${reply.status}`);
    });
  }

  const outages: { what: string; server: () => TestServer; whileDown?: () => Promise<void> }[] = [
    { what: 'NATS', server: () => cluster.nats },
    {
      what: 'Postgres',
      server: () => cluster.postgres,
      whileDown: async () => {
        await expect(a.ask('history', { type: 'history', room: 'room' })).rejects.toMatchObject({
          code: 'unavailable',
        });
        const reply = await cluster.edge.http.as(people[0].token).call('GET', '/v1/rooms');
        expect([reply.status, reply.json]).toEqual([503, expect.objectContaining({ code: 'unavailable' })]);
        expect(reply.contentType).toMatch('application/problem+json');
        // No address, no stack: the answer goes to anybody.
        expect(reply.text).not.toMatch(/127\.0\.0\.1|ECONN|\.js:/);
      },
    },
  ];

  it.each(outages)(
    'of $what makes publishes fail fast, lets nothing grow, and heals by itself',
    async (outage) => {
      const { what, server, whileDown } = outage;
      await publish(a);
      await server().kill('SIGKILL');
      try {
        await expectReadiness(503);
        await expectRefusals(1, ['unavailable']);
        await whileDown?.();
        await expectNothingToGrow(what);
        // Once nobody owns the room, a publish must not wait for an owner who cannot come.
        await untilNobodyOwnsAnything();
        await expectRefusals(100, ['unavailable']);
        expect([a.isOpen, b.isOpen]).toEqual([true, true]);
        await a.ask('pong', { type: 'ping' });
      } finally {
        await server().restart();
      }
      await untilAcked(what, performance.now());
      await expectReadiness(200);
    },
  );

  it('of Redis fails no publish', async () => {
    await cluster.redis.kill('SIGKILL');
    try {
      for (let i = 0; i < 20; i += 1) await publish(a);
    } finally {
      await cluster.redis.restart();
    }
    await publish(b);
  });

  it('of a suspended NATS does not hold publishes for ever', async () => {
    await cluster.nats.kill('SIGSTOP');
    // A suspended server keeps its connections: only the missing answers tell. The deadline of a publish is 5 s.
    try {
      await expect(publish(a, 7_000)).rejects.toMatchObject({ code: 'unavailable' });
    } finally {
      await cluster.nats.kill('SIGCONT');
    }
    await untilAcked('a suspended NATS', performance.now());
  });

  it('has cost no acked message', async () => {
    const messages = await cluster.edge.http.as(people[0].token).wholeHistory('room');
    recorder.final('room', messages);
    const head = messages.length;
    await untilSucceeds('both sessions at the head', { deadlineMs: 10_000 }, () => {
      for (const client of [a, b]) expect(client.lastSeqs()).toEqual({ room: head });
    });
    expectCorrectHistory(recorder.events);
  });
});
