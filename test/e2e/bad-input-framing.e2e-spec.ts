import { HttpClient, Opcode, RawClient, TestClient, withinDeadline } from '@troupe/testing';
import { type Edge, startEdge } from './support/services';

/*
 * Goal: whatever bytes a client sends, it gets the stated close code or HTTP status, the process lives, others notice
 * nothing, and a counter moves.
 * Method: one server for all rows; each row is a connection of its own that breaks one rule of RFC 6455 or HTTP. A
 * bystander with a session of its own looks after each row whether anything reached it.
 */
jest.setTimeout(60_000);

const FRAME_BYTES = 65_536;
const FRAGMENTS = 64;
const FRAGMENT_TIMEOUT_MS = 500;
/** Longer, so that silence is told from a frame that stays half sent. */
const HELLO_TIMEOUT_MS = 2_000;
const ORIGIN = 'https://app.example.com';

const json = (frame: object): string => JSON.stringify(frame);
const { continuation, text, binary, close, ping, pong } = Opcode;

/** A frame of a session that is logged in, and the code with which the server must close. */
interface FrameRow {
  name: string;
  send: (client: RawClient) => void;
  codes: number[];
}

const frameRows: FrameRow[] = [
  {
    name: 'an unmasked frame',
    send: (c) => c.sendFrame({ opcode: text, payload: '{}', masked: false }),
    codes: [1002],
  },
  ...[4, 2, 1].map((rsv) => ({
    name: `reserved bit ${rsv}`,
    send: (c: RawClient) => c.sendFrame({ opcode: text, payload: '{}', rsv }),
    codes: [1002],
  })),
  ...[0x3, 0x7, 0xb, 0xf].map((opcode) => ({
    name: `opcode 0x${opcode.toString(16)}`,
    send: (c: RawClient) => c.sendFrame({ opcode, payload: '{}' }),
    codes: [1002],
  })),
  {
    name: 'a continuation without a start',
    send: (c) => c.sendFrame({ opcode: continuation, payload: '{}' }),
    codes: [1002],
  },
  {
    name: 'a new message inside a fragmented one',
    send: (c) => {
      c.sendFrame({ opcode: text, payload: '{', fin: false });
      c.sendFrame({ opcode: text, payload: '{}' });
    },
    codes: [1002],
  },
  {
    name: 'a ping of 126 bytes',
    send: (c) => c.sendFrame({ opcode: ping, payload: 'x'.repeat(126) }),
    codes: [1002],
  },
  {
    name: 'a fragmented ping',
    send: (c) => c.sendFrame({ opcode: ping, payload: 'x', fin: false }),
    codes: [1002],
  },
  {
    name: 'text that is not UTF-8',
    send: (c) => c.sendFrame({ opcode: text, payload: Buffer.of(0xc3, 0x28) }),
    codes: [1007],
  },
  {
    name: 'text whose UTF-8 is broken over fragments',
    send: (c) => {
      c.sendFrame({ opcode: text, payload: Buffer.of(0x22, 0xe2, 0x82), fin: false });
      c.sendFrame({ opcode: continuation, payload: Buffer.of(0x22) });
    },
    codes: [1007],
  },
  {
    name: 'a close reason that is not UTF-8',
    send: (c) => c.sendFrame({ opcode: close, payload: Buffer.of(0x03, 0xe8, 0xc3, 0x28) }),
    codes: [1007],
  },
  {
    name: 'close code 999',
    send: (c) => c.sendFrame({ opcode: close, payload: Buffer.of(0x03, 0xe7) }),
    codes: [1002],
  },
  {
    name: 'close code 1005',
    send: (c) => c.sendFrame({ opcode: close, payload: Buffer.of(0x03, 0xed) }),
    codes: [1002],
  },
  {
    name: 'a close frame of one byte',
    send: (c) => c.sendFrame({ opcode: close, payload: Buffer.of(3) }),
    codes: [1002],
  },
  {
    name: 'a frame of one byte more than allowed',
    send: (c) => c.sendFrame({ opcode: text, payload: ' '.repeat(FRAME_BYTES + 1) }),
    codes: [1009],
  },
  {
    name: 'fragments that together are too long',
    send: (c) => {
      c.sendFrame({ opcode: text, payload: ' '.repeat(40_000), fin: false });
      c.sendFrame({ opcode: continuation, payload: ' '.repeat(40_000) });
    },
    codes: [1009],
  },
  ...[2n ** 53n, 2n ** 63n].map((claimedLength) => ({
    name: `a header that claims ${claimedLength} bytes`,
    send: (c: RawClient) => c.sendFrame({ opcode: text, payload: '{', claimedLength }),
    codes: [1009],
  })),
  {
    name: 'more fragments than allowed',
    send: (c) => {
      c.sendFrame({ opcode: text, payload: ' ', fin: false });
      for (let i = 0; i < FRAGMENTS; i += 1) c.sendFrame({ opcode: continuation, payload: ' ', fin: false });
    },
    codes: [1008],
  },
  {
    name: 'a message that stays half sent',
    send: (c) => c.sendFrame({ opcode: text, payload: '{"type":', fin: false }),
    // No code is stated for it: any that says that it was the client.
    codes: [1002, 1008, 4500],
  },
  {
    name: 'a frame that stays half sent',
    send: (c) => c.write(Buffer.of(0x81, 0xfe, 0x10)),
    codes: [1002, 1008, 4500],
  },
  {
    name: 'a binary frame',
    send: (c) => c.sendFrame({ opcode: binary, payload: '{"type":"ping"}' }),
    codes: [1003],
  },
  {
    name: 'a flood of protocol pings',
    send: (c) => {
      for (let i = 0; i < 1_000; i += 1) c.sendFrame({ opcode: ping, payload: 'x' });
    },
    codes: [4029],
  },
  {
    name: 'a flood of unasked pongs',
    send: (c) => {
      for (let i = 0; i < 1_000; i += 1) c.sendFrame({ opcode: pong, payload: 'x' });
    },
    codes: [4029],
  },
  {
    name: 'a flood of frames',
    send: (c) => {
      for (let i = 0; i < 1_000; i += 1) c.sendFrame({ opcode: text, payload: json({ type: 'ping' }) });
    },
    codes: [4029],
  },
];

/** Bytes instead of a proper upgrade, and the HTTP statuses that may answer it. */
interface UpgradeRow {
  name: string;
  act: (client: RawClient) => Promise<{ status: number }>;
  statuses: number[];
}

const upgradeRows: UpgradeRow[] = [
  {
    name: 'garbage instead of HTTP',
    act: (c) => {
      c.write('\x01\x02\x03 not http\r\n\r\n');
      return c.head();
    },
    statuses: [400],
  },
  {
    name: 'a TLS greeting',
    act: (c) => {
      c.write(Buffer.from('16030100a5010000a10303', 'hex'));
      c.write(Buffer.alloc(160, 7));
      return c.head();
    },
    statuses: [400],
  },
  {
    name: 'a header of 17 KiB',
    act: (c) => c.upgrade({ headers: { 'X-Long': 'x'.repeat(17 * 1_024) } }),
    statuses: [431],
  },
  {
    name: '2,100 headers',
    act: (c) => c.upgrade({ lines: Array.from({ length: 2_100 }, (_, i) => `X${i}: 1`) }),
    statuses: [400, 404, 426, 431],
  },
  {
    name: 'version 12',
    act: (c) => c.upgrade({ headers: { 'Sec-WebSocket-Version': '12' } }),
    statuses: [400, 426],
  },
  {
    name: 'a bad key',
    act: (c) => c.upgrade({ headers: { 'Sec-WebSocket-Key': 'short' } }),
    statuses: [400],
  },
  { name: 'no key', act: (c) => c.upgrade({ headers: { 'Sec-WebSocket-Key': null } }), statuses: [400] },
  {
    name: 'two keys',
    act: (c) => c.upgrade({ lines: ['Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='] }),
    statuses: [400],
  },
  { name: 'POST', act: (c) => c.upgrade({ requestLine: 'POST /v1/ws HTTP/1.1' }), statuses: [400, 404, 405] },
  {
    name: 'HTTP/1.0',
    act: (c) => c.upgrade({ requestLine: 'GET /v1/ws HTTP/1.0' }),
    statuses: [400, 426, 505],
  },
  {
    name: 'another path',
    act: (c) => c.upgrade({ requestLine: 'GET /v1/other HTTP/1.1' }),
    statuses: [400, 404],
  },
  {
    name: 'a malformed list of subprotocols',
    act: (c) => c.upgrade({ headers: { 'Sec-WebSocket-Protocol': 'troupe.v1,,"' } }),
    statuses: [400],
  },
  {
    name: 'an unknown subprotocol only',
    act: (c) => c.upgrade({ headers: { 'Sec-WebSocket-Protocol': 'chat.v9' } }),
    statuses: [400],
  },
  ...[
    'https://evil.example',
    'null',
    `${ORIGIN}.evil.example`,
    'http://app.example.com',
    `${ORIGIN}:8443`,
  ].map((origin) => ({
    name: `the origin ${origin}`,
    act: (c: RawClient) => c.upgrade({ headers: { Origin: origin } }),
    statuses: [403],
  })),
];

/** What is unusual but right, and must work. */
const rightRows: { name: string; headers: Record<string, string | null> }[] = [
  { name: 'an offer of compression', headers: { 'Sec-WebSocket-Extensions': 'permessage-deflate' } },
  { name: 'the allowed origin', headers: { Origin: ORIGIN } },
  {
    name: 'a hundred subprotocols, ours among them',
    headers: {
      'Sec-WebSocket-Protocol': [...Array.from({ length: 99 }, (_, i) => `other.v${i}`), 'troupe.v1'].join(
        ', ',
      ),
    },
  },
];

describe('bad input in the framing', () => {
  let edge: Edge;
  let token: string;
  let bystander: TestClient;
  let rejectedBefore: number;

  const rejected = async (): Promise<number> => (await edge.http.metrics()).value('troupe_rejected_total');

  beforeAll(async () => {
    edge = await startEdge('standalone', {
      DATA_DIR: ':memory:',
      FRAME_BYTES_MAX: `${FRAME_BYTES}`,
      FRAGMENTS_MAX: `${FRAGMENTS}`,
      FRAGMENT_TIMEOUT_MS: `${FRAGMENT_TIMEOUT_MS}`,
      HELLO_TIMEOUT_MS: `${HELLO_TIMEOUT_MS}`,
      MESSAGES_PER_SECOND: '100',
      MESSAGES_BURST: '200',
      FRAMES_PER_SECOND: '100',
      FRAMES_BURST: '200',
      ALLOWED_ORIGINS: ORIGIN,
    });
    token = await edge.http.logIn('alice', 'password');
    bystander = await TestClient.connect({
      url: edge.wsUrl,
      token: await edge.http.logIn('bob', 'password'),
    });
  });

  beforeEach(async () => {
    rejectedBefore = await rejected();
  });

  /** After each row, whatever it did: the process is the same one, and the bystander saw nothing of it. */
  afterEach(async () => {
    await bystander.ask('pong', { type: 'ping' }, 1_000);
    const others = bystander.log.all.filter(({ frame }) => !['welcome', 'pong'].includes(frame.type));
    expect(others).toEqual([]);
    expect((await new HttpClient(edge.process.healthPort).call('GET', '/readyz')).status).toBe(200);
  });

  afterAll(async () => {
    await bystander?.terminate();
    const exit = await edge?.process.stop();
    expect(exit).toEqual({ code: 0, signal: null });
  });

  it.each(frameRows)('$name closes with $codes', async ({ send, codes }) => {
    const client = await RawClient.welcomed(edge.port, token);
    send(client);
    const { closeCode } = await client.untilEnd();
    client.destroy();
    expect(codes).toContain(closeCode);
    expect(await rejected()).toBeGreaterThan(rejectedBefore);
  });

  it.each(upgradeRows)('$name is answered with $statuses', async ({ act, statuses }) => {
    const client = await RawClient.connect(edge.port);
    const { status } = await act(client);
    expect(statuses).toContain(status);
    await withinDeadline('the end of the connection', client.untilEnd(), 5_000);
    expect(await rejected()).toBeGreaterThan(rejectedBefore);
  });

  it.each(rightRows)('$name is no fault', async ({ headers }) => {
    const client = await RawClient.connect(edge.port);
    const head = await client.upgrade({ headers });
    expect(head.status).toBe(101);
    expect(head.headers.get('sec-websocket-protocol')).toBe('troupe.v1');
    expect(head.headers.has('sec-websocket-extensions')).toBe(false);
    client.sendFrame({ opcode: text, payload: json({ type: 'hello', token }) });
    await client.nextJson('welcome');
    client.destroy();
  });

  it('takes a frame in fragments, with a ping between them', async () => {
    const client = await RawClient.welcomed(edge.port, token);
    client.sendFrame({ opcode: text, payload: '{"type":"pi', fin: false });
    client.sendFrame({ opcode: ping, payload: 'between' });
    client.sendFrame({ opcode: continuation, payload: 'ng","id":"f"}' });
    expect(await client.nextFrame()).toMatchObject({ opcode: pong, payload: Buffer.from('between') });
    expect(await client.nextJson('pong')).toMatchObject({ id: 'f' });
    client.destroy();
  });

  it('does not take the bytes of the upgrade for a frame that stays half sent', async () => {
    const client = await RawClient.connect(edge.port);
    expect((await client.upgrade()).status).toBe(101);
    expect((await client.untilEnd(HELLO_TIMEOUT_MS + 2_000)).closeCode).toBe(4028);
  });

  it('takes frames that come in the same packet as the upgrade', async () => {
    const client = await RawClient.connect(edge.port);
    const head = client.upgrade();
    client.sendFrame({ opcode: text, payload: json({ type: 'hello', token }) });
    expect((await head).status).toBe(101);
    await client.nextJson('welcome');
    client.destroy();
  });

  it('takes a frame of exactly the largest size', async () => {
    const client = await RawClient.welcomed(edge.port, token);
    const frame = json({ type: 'ping', id: 'big' });
    client.sendFrame({ opcode: text, payload: frame + ' '.repeat(FRAME_BYTES - frame.length) });
    expect(await client.nextJson('pong')).toMatchObject({ id: 'big' });
    client.destroy();
  });
});
