import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Message } from '@troupe/protocol';
import {
  expectCorrectHistory,
  HistoryRecorder,
  HttpClient,
  TestClient,
  withinDeadline,
} from '@troupe/testing';
import { type Edge, startEdge } from './support/services';

/*
 * Goal: what the README walks through works in one process with nothing beside it, and survives that process's death.
 * Method: the built standalone service on a data directory of its own; the demo users; a mailbox of 20 messages, so
 * that a reader who stops reading loses some soon.
 */
jest.setTimeout(120_000);

const MAILBOX_MESSAGES = 20;
/** 16,000 bytes of UTF-8 in 4,000 characters: buffers on the way fill quickly. */
const BIG_TEXT = '🎭'.repeat(3_990);

const settings = (dataDir: string): Record<string, string> => ({
  DATA_DIR: dataDir,
  MAILBOX_MESSAGES_MAX: `${MAILBOX_MESSAGES}`,
  SOCKET_HIGH_WATER_BYTES: '262144',
  RESUME_PIECE_BYTES: '65536',
  MESSAGES_PER_SECOND: '100000',
  MESSAGES_BURST: '100000',
  FRAMES_PER_SECOND: '100000',
  FRAMES_BURST: '100000',
});

interface RoomView {
  room: string;
  kind: string;
  head: number;
}

describe('everything in one process', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'troupe-embedded-'));
  const clients: TestClient[] = [];
  let edge: Edge;
  let alice: string;
  let bob: string;
  let charlie: string;

  beforeAll(async () => {
    edge = await startEdge('standalone', settings(dataDir));
    [alice, bob, charlie] = (await Promise.all(
      ['alice', 'bob', 'charlie'].map((user) => edge.http.logIn(user, 'password')),
    )) as [string, string, string];
  });

  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.terminate()));
  });

  afterAll(async () => {
    await edge?.process.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  async function connect(token: string, recorder?: HistoryRecorder): Promise<TestClient> {
    const client = await TestClient.connect({ url: edge.wsUrl, token, ...(recorder ? { recorder } : {}) });
    clients.push(client);
    return client;
  }

  it('is alive and ready, on PORT and on HEALTH_PORT', async () => {
    for (const port of [edge.port, edge.process.healthPort]) {
      expect((await new HttpClient(port).call('GET', '/healthz')).status).toBe(200);
      expect((await new HttpClient(port).call('GET', '/readyz')).status).toBe(200);
    }
  });

  it('refuses a wrong password in the form of OAuth', async () => {
    const reply = await edge.http.call('POST', '/v1/oauth/token', {
      form: { grant_type: 'password', username: 'alice', password: 'wrong' },
    });
    expect([reply.status, reply.json]).toEqual([400, expect.objectContaining({ error: 'invalid_grant' })]);
  });

  it('carries a private message to the other, to the sender’s own sessions, and to nobody else', async () => {
    const [a, a2, b, c] = await Promise.all([connect(alice), connect(alice), connect(bob), connect(charlie)]);
    const ack = await a.ask('ack', { type: 'message', to: 'bob', text: 'hi bob', clientId: 'first' });
    const expected = {
      room: ack.room,
      seq: ack.seq,
      id: ack.messageId,
      from: 'alice',
      text: 'hi bob',
      at: ack.at,
    };
    for (const session of [a, a2, b]) expect(await session.next('message')).toMatchObject(expected);

    const reply = await b.publish({ room: ack.room, text: 'hi alice', data: { mood: 'good' } });
    expect(reply.seq).toBe(ack.seq + 1);
    expect(await a.next('message')).toMatchObject({ from: 'bob', text: 'hi alice', data: { mood: 'good' } });

    await expect(c.ask('history', { type: 'history', room: ack.room })).rejects.toMatchObject({
      code: 'not_found',
    });
    await c.ask('pong', { type: 'ping' });
    expect(c.log.all.filter(({ frame }) => frame.type === 'message')).toEqual([]);
    const opened = await edge.http
      .as(bob)
      .expect<RoomView>(200, 'POST', '/v1/rooms', { kind: 'private', with: 'alice' });
    expect(opened).toMatchObject({ room: ack.room, kind: 'private', head: reply.seq });
  });

  it('gives the same ack to a repeated clientId', async () => {
    const a = await connect(alice);
    const first = await a.publish({ room: 'lobby', text: 'once', clientId: 'again' });
    const second = await a.publish({ room: 'lobby', text: 'once', clientId: 'again' });
    expect(second).toMatchObject({ seq: first.seq, messageId: first.messageId, at: first.at });
    const posted = await edge.http.as(alice).call('POST', '/v1/rooms/lobby/messages', {
      json: { text: 'once', clientId: 'again' },
    });
    expect([posted.status, posted.json]).toEqual([
      200,
      expect.objectContaining({ seq: first.seq, id: first.messageId }),
    ]);
  });

  it('lets people come to an open group and leave it, and tells the others', async () => {
    await edge.http.as(alice).expect(201, 'POST', '/v1/rooms', { kind: 'group', id: 'stage', open: true });
    const [a, b] = await Promise.all([connect(alice), connect(bob)]);
    await a.publish({ room: 'stage', text: 'nobody here yet' });
    const joined = await b.ask('joined', { type: 'group_join', room: 'stage' });
    expect(joined.head).toBe(1);
    expect(await a.next('member')).toMatchObject({ room: 'stage', user: 'bob', change: 'joined' });
    await a.publish({ room: 'stage', text: 'welcome' });
    expect(await b.next('message')).toMatchObject({ room: 'stage', seq: 2, text: 'welcome' });

    await b.ask('left', { type: 'group_leave', room: 'stage' });
    expect(await a.next('member')).toMatchObject({ room: 'stage', user: 'bob', change: 'left' });
    await a.publish({ room: 'stage', text: 'gone' });
    await expect(b.publish({ room: 'stage', text: 'me too' })).rejects.toMatchObject({ code: 'not_member' });
    await b.ask('pong', { type: 'ping' });
    expect(b.log.all.filter(({ frame }) => frame.type === 'message' && frame.text === 'gone')).toEqual([]);
  });

  it('reads history by pages over the socket and over HTTP, and both agree', async () => {
    await edge.http.as(alice).expect(201, 'POST', '/v1/rooms', { kind: 'group', id: 'library' });
    const a = await connect(alice);
    for (let i = 1; i <= 7; i += 1) await a.publish({ room: 'library', text: `page ${i}` });
    const seqsOf = (messages: Message[]): number[] => messages.map((m) => m.seq);
    const last = await a.ask('history', { type: 'history', room: 'library', limit: 3 });
    expect([seqsOf(last.messages), last.more]).toEqual([[5, 6, 7], true]);
    const earlier = await a.ask('history', { type: 'history', room: 'library', before: 5, limit: 10 });
    expect([seqsOf(earlier.messages), earlier.more]).toEqual([[1, 2, 3, 4], false]);
    const later = await a.ask('history', { type: 'history', room: 'library', after: 2, limit: 2 });
    expect([seqsOf(later.messages), later.more]).toEqual([[3, 4], true]);
    const whole = await edge.http.as(alice).wholeHistory('library');
    expect(whole).toEqual([...earlier.messages, ...last.messages]);
  });

  it('announces to a reader that had stopped every message that its mailbox dropped', async () => {
    const recorder = new HistoryRecorder();
    const { http } = edge;
    await http
      .as(alice)
      .expect(201, 'POST', '/v1/rooms', { kind: 'group', id: 'flood', members: ['bob', 'charlie'] });
    const [a, slow, fast] = [
      await connect(alice, recorder),
      await connect(bob, recorder),
      await connect(charlie, recorder),
    ];
    const drops = async (): Promise<number> =>
      (await http.metrics()).value('troupe_mailbox_dropped_total', { kind: 'group' });
    const before = await drops();
    slow.pause();
    let sent = 0;
    while ((await drops()) - before < 50) {
      expect(sent).toBeLessThan(3_000);
      // Together under the high water: a batch of one turn makes nobody lag who reads.
      const batch = Array.from({ length: 10 }, () => ++sent);
      await Promise.all(
        batch.map((n) => a.publish({ room: 'flood', clientId: `flood-${n}`, text: `${n} ${BIG_TEXT}` })),
      );
    }
    expect((await http.metrics()).value('troupe_mailboxes_lagging')).toBe(1);
    await fast.next('message', (f) => f.seq === sent, 10_000);

    slow.resume();
    await slow.next('message', (f) => f.room === 'flood' && f.seq === sent, 15_000);
    const gaps = slow.log.all.flatMap(({ frame }) => (frame.type === 'gap' ? [frame] : []));
    expect(gaps.length).toBeGreaterThan(0);
    expect(new Set(gaps.map((gap) => gap.reason))).toEqual(new Set(['slow']));
    expect(gaps.reduce((sum, gap) => sum + gap.count, 0)).toBe((await drops()) - before);
    expect(fast.log.all.filter(({ frame }) => frame.type === 'gap')).toEqual([]);

    // What the gap names, history has; afterwards the reader is live again.
    const [gap] = gaps;
    const missed = await slow.ask('history', {
      type: 'history',
      room: 'flood',
      after: (gap?.from ?? 0) - 1,
      limit: 1,
    });
    expect(missed.messages[0]?.seq).toBe(gap?.from);
    const live = await a.publish({ room: 'flood', clientId: 'live', text: 'live again' });
    await Promise.all([slow, fast].map((s) => s.next('message', (f) => f.seq === live.seq)));
    expect((await http.metrics()).value('troupe_mailboxes_lagging')).toBe(0);

    // Their sessions are in other rooms too, whose history is not of interest here.
    for (const other of new Set(recorder.events.map((e) => e.room))) {
      if (other !== null && other !== 'flood') recorder.room(other, { durable: false });
    }
    recorder.final('flood', await http.as(alice).wholeHistory('flood'));
    expectCorrectHistory(recorder.events);
  });

  it('refuses a second process on the same data directory, and says why', async () => {
    const { process } = await startEdge('standalone', settings(dataDir), {
      name: 'second',
      awaitReady: false,
    });
    const exit = await withinDeadline('the refusal', process.exited, 20_000);
    expect(exit.code).toBeGreaterThan(0);
    expect(process.output()).toMatch(/DATA_DIR|data directory/i);
    expect(process.output()).toMatch(/in use|locked|another process/i);
    expect((await edge.http.call('GET', '/readyz')).status).toBe(200);
  });

  it('has every acked message after a kill -9, and goes on with the next seq', async () => {
    const a = await connect(alice);
    const texts = Array.from({ length: 300 }, (_, i) => `before the kill ${i}`);
    const acks = await Promise.all(
      texts.map((text, i) => a.publish({ room: 'lobby', text, clientId: `kill-${i}` })),
    );
    const before = await edge.http.as(alice).wholeHistory('lobby');
    const resume = { lobby: before.at(-4)?.seq ?? 0 };
    edge.process.kill('SIGKILL');
    await edge.process.exited;

    edge = await startEdge('standalone', settings(dataDir));
    // Tokens outlive the process: the key that signs them is in the database.
    expect(await edge.http.as(alice).wholeHistory('lobby')).toEqual(before);
    const head = before.at(-1)?.seq ?? 0;
    expect(acks.map((ack) => ack.seq)).toContain(head);
    const back = await TestClient.connect({ url: edge.wsUrl, token: alice, resume });
    clients.push(back);
    for (const seq of [head - 2, head - 1, head]) expect((await back.next('message')).seq).toBe(seq);
    const again = await back.publish({ room: 'lobby', text: texts[299] ?? '', clientId: 'kill-299' });
    expect(again).toMatchObject({ seq: acks[299]?.seq, messageId: acks[299]?.messageId });
    expect((await back.publish({ room: 'lobby', text: 'after the kill' })).seq).toBe(head + 1);
  });

  it('stops at SIGTERM with a word to its sessions, and exits with 0', async () => {
    const a = await connect(alice);
    edge.process.kill('SIGTERM');
    expect(await a.next('bye')).toMatchObject({
      reason: expect.any(String),
      retryAfterMs: expect.any(Number),
    });
    expect((await a.untilClosed(10_000)).code).toBe(1012);
    expect(await edge.process.exited).toEqual({ code: 0, signal: null });
  });
});
