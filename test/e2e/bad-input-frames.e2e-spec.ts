import type { ClientFrame } from '@troupe/protocol';
import { HttpClient, Refused, TestClient } from '@troupe/testing';
import { badFrames, badIds, FORGED_SUBJECT, oddTexts, ROOM } from './support/bad-frames';
import { Cluster } from './support/cluster';
import { createGroup, type Person, registerPeople } from './support/people';
import { SubjectSpy } from './support/subject-spy';

/*
 * Goal: each frame that is wrong is answered with a typed error within a second, changes nothing, disturbs nobody, is
 * counted, and no string of a client ever becomes part of a subject.
 * Method: one cluster of real processes for all rows; a spy sees every subject on the NATS server; a bystander in the
 * same room looks after each row whether anything reached it. Each row has a session of its own, because the fifth
 * bad frame of one closes it.
 */
jest.setTimeout(120_000);

const ANSWER_MS_MAX = 1_000;
const HELLO_TIMEOUT_MS = 500;
const CANARY = 'canary-text-that-no-log-may-hold';

describe('bad input in the frames', () => {
  let cluster: Cluster;
  let spy: SubjectSpy;
  let ann: Person;
  let ben: Person;
  let cat: Person;
  let bystander: TestClient;
  const clients: TestClient[] = [];

  beforeAll(async () => {
    cluster = await Cluster.start({
      gateways: 1,
      roomActors: 1,
      env: {
        HELLO_TIMEOUT_MS: `${HELLO_TIMEOUT_MS}`,
        MESSAGES_PER_SECOND: '50',
        MESSAGES_BURST: '100',
        FRAMES_PER_SECOND: '200',
        FRAMES_BURST: '400',
      },
    });
    spy = await SubjectSpy.start(cluster.nats.url);
    const { http, wsUrl } = cluster.edge;
    [ann, ben, cat] = (await registerPeople(http, ['ann', 'ben', 'cat'])) as [Person, Person, Person];
    await createGroup(http, ROOM, [ann, ben]);
    await createGroup(http, 'secret', [ben]);
    await createGroup(http, 'open-stage', [ben], { open: true });
    bystander = await TestClient.connect({ url: wsUrl, token: ben.token });
  });

  beforeEach(forgetMessages);

  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.terminate()));
  });

  afterAll(async () => {
    await bystander?.terminate();
    await spy?.stop();
    await cluster?.stop();
  });

  async function connect(
    who: Person = ann,
    options: { resume?: Record<string, number> } = {},
  ): Promise<TestClient> {
    const client = await TestClient.connect({ url: cluster.edge.wsUrl, token: who.token, ...options });
    clients.push(client);
    return client;
  }

  async function open(
    options: { token?: string; tokenIn?: 'header'; query?: string } = {},
  ): Promise<TestClient> {
    const { query, ...rest } = options;
    const client = await TestClient.open({ url: `${cluster.edge.wsUrl}${query ?? ''}`, ...rest });
    clients.push(client);
    return client;
  }

  async function rejected(code: string): Promise<number> {
    return (await cluster.edge.http.metrics()).value('troupe_rejected_total', { code });
  }

  async function expectNobodyElseToNotice(): Promise<void> {
    await bystander.ask('pong', { type: 'ping' }, ANSWER_MS_MAX);
    const noticed = bystander.log.all.filter(({ frame }) => !['welcome', 'pong'].includes(frame.type));
    expect(noticed.map(({ frame }) => frame)).toEqual([]);
    for (const service of cluster.services) {
      expect((await new HttpClient(service.healthPort).call('GET', '/healthz')).status).toBe(200);
    }
  }

  async function expectRefusal(client: TestClient, frame: ClientFrame, ...codes: string[]): Promise<Refused> {
    const answer: unknown = await client.ask('ack', frame, ANSWER_MS_MAX).catch((error: unknown) => error);
    if (!(answer instanceof Refused))
      throw new Error(`expected ${codes.join(' or ')}, got ${JSON.stringify(answer)} ${String(answer)}`);
    expect(codes).toContain(answer.code);
    return answer;
  }

  it.each(badFrames)('$name is answered with $code', async ({ text, code, id }) => {
    const before = await rejected(code);
    const client = await connect();
    client.sendText(text);
    const error = await client.next('error', undefined, ANSWER_MS_MAX);
    expect(error).toMatchObject({ code, ...(id === undefined ? {} : { id }) });
    expect(error.message).not.toMatch(/\.[jt]s:|node_modules|127\.0\.0\.1/);
    await client.ask('pong', { type: 'ping' }, ANSWER_MS_MAX);
    expect(client.isOpen).toBe(true);
    expect(await rejected(code)).toBe(before + 1);
    await expectNobodyElseToNotice();
  });

  it.each(badIds)('the room %j of a URL reaches no room and no subject', async (id) => {
    const http = cluster.edge.http.as(ann.token);
    const room = encodeURIComponent(id);
    const replies = await Promise.all([
      http.call('GET', `/v1/rooms/${room}/messages`),
      http.call('POST', `/v1/rooms/${room}/messages`, { json: { text: 'x' } }),
      http.call('PUT', `/v1/rooms/${room}/members/ann`, { json: {} }),
      http.call('POST', '/v1/rooms', { json: { kind: 'group', id } }),
      http.call('POST', '/v1/rooms', { json: { kind: 'private', with: id } }),
    ]);
    for (const reply of replies) {
      expect([400, 404, 405, 414, 431]).toContain(reply.status);
      expect(reply.text).not.toMatch(/\.[jt]s:|node_modules/);
    }
    expect((replies[3] as { status: number }).status).toBe(400);
    await expectNobodyElseToNotice();
  });

  describe('counted over a minute', () => {
    it('closes with 4500 at the fifth bad frame, and not before', async () => {
      const client = await connect();
      for (let i = 0; i < 4; i += 1) client.sendText('{bad');
      for (let i = 0; i < 4; i += 1) await client.next('error');
      await client.ask('pong', { type: 'ping' });
      client.sendText('{bad');
      expect((await client.untilClosed(ANSWER_MS_MAX)).code).toBe(4500);
    });

    it('does not count frames that are only wrong in a field', async () => {
      const client = await connect();
      for (let i = 0; i < 20; i += 1) client.sendText('{"type":"join","room":"a.b"}');
      for (let i = 0; i < 20; i += 1) expect((await client.next('error')).code).toBe('bad_request');
      await client.ask('pong', { type: 'ping' });
    });
  });

  describe('without authentication', () => {
    it('closes with 4028 when no hello comes in time', async () => {
      const client = await open();
      expect((await client.untilClosed(HELLO_TIMEOUT_MS + 1_000)).code).toBe(4028);
    });

    it.each<ClientFrame>([
      { type: 'message', room: ROOM, text: 'x' },
      { type: 'join', room: ROOM },
      { type: 'history', room: ROOM },
      { type: 'group_join', room: 'open-stage' },
    ])('refuses $type before hello', async (frame) => {
      const client = await open();
      client.send(frame);
      expect((await client.next('error', undefined, ANSWER_MS_MAX)).code).toBe('unauthenticated');
      await expectNobodyElseToNotice();
    });

    it.each([
      ['nonsense', 'x'],
      ['no signature', 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4ifQ.'],
      ['an empty string', ''],
      ['three dots', '...'],
    ])('closes with 4501 after a hello with a token that is %s', async (_, token) => {
      const client = await open();
      client.send({ type: 'hello', token });
      expect((await client.next('error', undefined, ANSWER_MS_MAX)).code).toBe('unauthenticated');
      expect((await client.untilClosed(ANSWER_MS_MAX)).code).toBe(4501);
    });

    it('closes with 4501 after a hello with a token whose payload was changed', async () => {
      const [head, payload = '', signature] = ann.token.split('.');
      const claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as object;
      const forged = Buffer.from(JSON.stringify({ ...claims, sub: 'ben' })).toString('base64url');
      const client = await open();
      client.send({ type: 'hello', token: [head, forged, signature].join('.') });
      expect((await client.untilClosed(ANSWER_MS_MAX)).code).toBe(4501);
    });

    it('closes with 4501 after a hello without any token', async () => {
      const client = await open();
      client.send({ type: 'hello' });
      expect((await client.untilClosed(ANSWER_MS_MAX)).code).toBe(4501);
    });

    it.each(['token', 'access_token'])('refuses an upgrade with a %s in its URL', async (name) => {
      // It would be in the log of every proxy on the way.
      await expect(open({ query: `?${name}=${ann.token}` })).rejects.toMatchObject({ status: 400 });
    });

    it('closes with 4501 after a hello on an upgrade with a forged token', async () => {
      const client = await open({ token: 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4ifQ.', tokenIn: 'header' });
      client.send({ type: 'hello' });
      expect((await client.untilClosed(ANSWER_MS_MAX)).code).toBe(4501);
    });

    it('takes the token from the header of the upgrade', async () => {
      const client = await open({ token: ann.token, tokenIn: 'header' });
      expect((await client.hello()).user).toBe('ann');
    });

    it('takes more than five fields wrong in hello as what they are, and leaves the socket open', async () => {
      const client = await open();
      client.sendText('{"type":"hello","token":7}');
      expect((await client.next('error', undefined, ANSWER_MS_MAX)).code).toBe('bad_request');
    });
  });

  describe('in a state where it does not fit', () => {
    it('refuses a second hello and keeps the session as it is', async () => {
      const client = await connect();
      client.send({ type: 'hello', id: 'second', token: ben.token });
      expect(await client.next('error', (f) => f.id === 'second', ANSWER_MS_MAX)).toMatchObject({
        code: expect.stringMatching(/^(bad_request|conflict)$/) as string,
      });
      const ack = await client.publish({ room: ROOM, text: 'still ann' });
      expect(await bystander.next('message', (f) => f.seq === ack.seq)).toMatchObject({ from: 'ann' });
    });

    it('joins twice with the same answer, and delivers each message once', async () => {
      const client = await connect();
      const [one, two] = [
        await client.ask('joined', { type: 'join', room: ROOM }),
        await client.ask('joined', { type: 'join', room: ROOM }),
      ];
      expect(two.head).toBe(one.head);
      const ack = await client.publish({ room: ROOM, text: 'to a session that joined twice' });
      await client.next('message', (f) => f.seq === ack.seq);
      await client.ask('pong', { type: 'ping' });
      expect(
        client.log.all.filter(({ frame }) => frame.type === 'message' && frame.seq === ack.seq),
      ).toHaveLength(1);
    });

    it('leaves once, and refuses to leave what is not joined', async () => {
      const client = await connect();
      expect((await client.ask('left', { type: 'leave', room: ROOM }, ANSWER_MS_MAX)).room).toBe(ROOM);
      await expectRefusal(client, { type: 'leave', room: ROOM }, 'not_member');
      const ack = await client.publish({ room: ROOM, text: 'leaving the stream is not leaving the group' });
      await bystander.next('message', (f) => f.seq === ack.seq);
      await client.ask('pong', { type: 'ping' });
      expect(client.log.all.filter(({ frame }) => frame.type === 'message')).toEqual([]);
    });

    it('refuses a message to a group that was left', async () => {
      const client = await connect();
      await client.ask('joined', { type: 'group_join', room: 'open-stage' });
      await client.publish({ room: 'open-stage', text: 'hello' });
      await client.ask('left', { type: 'group_leave', room: 'open-stage' });
      await expectRefusal(client, { type: 'message', room: 'open-stage', text: 'and again' }, 'not_member');
    });

    it('takes a resume from the future for what it is, and delivers what comes next', async () => {
      const client = await connect(ann, { resume: { [ROOM]: 1_000_000 } });
      const ack = await (await connect(ben)).publish({ room: ROOM, text: 'after the future' });
      expect(await client.next('message', (f) => f.room === ROOM)).toMatchObject({ seq: ack.seq });
    });

    it('gives nothing for the resume of a room of others', async () => {
      const inside = await connect(ben);
      await inside.publish({ room: 'secret', text: 'for insiders' });
      const client = await connect(ann, { resume: { secret: 0, 'no-such-room': 0 } });
      await inside.publish({ room: 'secret', text: 'for insiders too' });
      await client.ask('pong', { type: 'ping' });
      expect(client.log.all.filter(({ frame }) => 'room' in frame && frame.room === 'secret')).toEqual([]);
    });

    it.each<ClientFrame>([
      { type: 'message', room: 'secret', text: 'x' },
      { type: 'join', room: 'secret' },
      { type: 'leave', room: 'secret' },
      { type: 'group_join', room: 'secret' },
      { type: 'group_leave', room: 'secret' },
      { type: 'history', room: 'secret' },
    ])('answers $type in a room of others as in a room that is not there', async (frame) => {
      const client = await connect(cat);
      // A leave asks only whether this session reads the room, which tells nothing about rooms.
      const code = frame.type === 'leave' ? 'not_member' : 'not_found';
      const before = await rejected(code);
      const there = await expectRefusal(client, frame, code);
      const notThere = await expectRefusal(client, { ...frame, room: 'no-such-room' } as ClientFrame, code);
      expect(there.message).toBe(notThere.message);
      expect(await rejected(code)).toBe(before + 2);
      await expectNobodyElseToNotice();
    });

    it.each(['null', 'undefined', 'ffffffff-ffff-7fff-bfff-ffffffffffff'])(
      'knows no room %s',
      async (room) => {
        await expectRefusal(await connect(), { type: 'message', room, text: 'x' }, 'not_found');
      },
    );

    it('refuses a message to oneself and to nobody', async () => {
      const client = await connect();
      await expectRefusal(client, { type: 'message', to: 'ann', text: 'x' }, 'bad_request');
      await expectRefusal(client, { type: 'message', to: 'nobody-of-that-name', text: 'x' }, 'not_found');
    });
  });

  describe('that is only unusual', () => {
    it.each(oddTexts)('comes back exactly as it went: $name', async ({ text }) => {
      const client = await connect();
      const ack = await client.publish({ room: ROOM, text });
      const live = await bystander.next('message', (f) => f.seq === ack.seq);
      const { messages } = await client.ask('history', {
        type: 'history',
        room: ROOM,
        after: ack.seq - 1,
        limit: 1,
      });
      const posted = await cluster.edge.http
        .as(ann.token)
        .expect<{ messages: { text: string }[] }>(
          200,
          'GET',
          `/v1/rooms/${ROOM}/messages?after=${ack.seq - 1}&limit=1`,
        );
      expect([live.text, messages[0]?.text, posted.messages[0]?.text]).toEqual([text, text, text]);
    });

    it('keeps data as it was sent, whatever its keys are called', async () => {
      const client = await connect();
      const data = { constructor: { prototype: { admin: true } }, toString: 1, a: { b: [1, null, 'c'] } };
      const ack = await client.publish({ room: ROOM, text: 'data', data });
      expect((await bystander.next('message', (f) => f.seq === ack.seq)).data).toEqual(data);
    });

    it('clamps the limit of a page', async () => {
      const client = await connect();
      for (const limit of [201, 1e9]) {
        const { messages } = await client.ask('history', { type: 'history', room: ROOM, limit });
        expect(messages.length).toBeLessThanOrEqual(200);
      }
      expect(await client.ask('history', { type: 'history', room: ROOM, before: 0 })).toMatchObject({
        messages: [],
      });
      expect(await client.ask('history', { type: 'history', room: ROOM, after: 1e9 })).toMatchObject({
        messages: [],
        more: false,
      });
    });

    it('gives a repeated clientId its first ack, even with another text', async () => {
      const client = await connect();
      const first = await client.publish({ room: ROOM, text: 'the first', clientId: 'repeat' });
      const second = await client.publish({ room: ROOM, text: 'another', clientId: 'repeat' });
      expect(second).toMatchObject({ seq: first.seq, messageId: first.messageId, at: first.at });
      const { messages } = await client.ask('history', { type: 'history', room: ROOM, after: first.seq - 1 });
      expect(messages.map((m) => m.text)).toEqual(['the first']);
    });
  });

  describe('in too great a number', () => {
    it('refuses messages beyond the rate with rate_limited and keeps the socket', async () => {
      const client = await connect();
      const answers = await Promise.allSettled(
        Array.from({ length: 150 }, (_, i) => client.publish({ room: ROOM, text: `flood ${i}` })),
      );
      const refused = answers.flatMap((a) => (a.status === 'rejected' ? [a.reason as Refused] : []));
      expect(new Set(refused.map((r) => r.code))).toEqual(new Set(['rate_limited']));
      // 100 at once and 50 a second; what the run itself takes is let through too.
      expect(refused.length).toBeGreaterThan(10);
      expect(refused.every((r) => (r.retryAfterMs ?? 0) > 0)).toBe(true);
      expect(client.isOpen).toBe(true);
    });

    it('closes with 4029 when frames flood', async () => {
      const client = await connect();
      for (let i = 0; i < 2_000; i += 1) client.send({ type: 'ping' });
      expect((await client.untilClosed(ANSWER_MS_MAX * 5)).code).toBe(4029);
      await expectNobodyElseToNotice();
    });
  });

  it('has let no string of a client into a subject', async () => {
    await spy.flush();
    const known =
      /^(troupe\.v1\.(publish|rooms\.[A-Za-z0-9_-]+\.events|presence\.[A-Za-z0-9_-]+)|troupe\.i1\.[a-z-]+(\.[A-Za-z0-9_-]+){0,2}|_INBOX\.[A-Za-z0-9.]+)$/;
    expect([...spy.subjects].filter((subject) => !known.test(subject))).toEqual([]);
    expect([...spy.subjects].filter((subject) => subject.includes(FORGED_SUBJECT))).toEqual([]);
    // The spy would have seen something: the room that exists has had events.
    expect([...spy.subjects].some((subject) => subject.startsWith('troupe.'))).toBe(true);
  });

  it('has let no text, password or token into a log', async () => {
    const client = await connect();
    await client.publish({ room: ROOM, text: CANARY });
    client.sendText(`{"type":"message","text":"${CANARY}",`);
    await client.next('error');
    client.sendText(JSON.stringify({ type: 'message', room: `${CANARY}.`, text: CANARY }));
    await client.next('error');
    for (const service of cluster.services) {
      for (const secret of [CANARY, ann.token, ben.token, 'correct horse']) {
        expect(service.output().includes(secret)).toBe(false);
      }
    }
  });

  /** The bystander is a member too: takes what it was rightly sent, up to now, off its log. */
  async function forgetMessages(): Promise<void> {
    await bystander.ask('pong', { type: 'ping' });
    const kept = bystander.log.all.filter(({ frame }) => ['welcome', 'pong'].includes(frame.type));
    bystander.log.all.splice(0, Infinity, ...kept);
  }
});
