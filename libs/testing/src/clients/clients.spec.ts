import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ServerFrame } from '@troupe/protocol';
import { type WebSocket, WebSocketServer } from 'ws';
import { HistoryRecorder } from '../history/history.recorder';
import { HttpClient } from './http-client';
import { MetricsText } from './metrics.text';
import { RawClient } from './raw-client';
import { TestClient } from './test-client';
import { decodeWireFrame, encodeWireFrame, Opcode } from './wire-frame';

const welcome: ServerFrame = {
  type: 'welcome',
  session: 's',
  user: 'alice',
  heartbeatMs: 1,
  rooms: [{ room: 'r', kind: 'group', head: 3 }],
  limits: { frameBytesMax: 1, textCodePointsMax: 1, messagesPerSecond: 1, messagesBurst: 1 },
};
const message = (seq: number): ServerFrame => ({
  type: 'message',
  room: 'r',
  seq,
  id: `m${seq}`,
  from: 'bob',
  text: `text ${seq}`,
  at: '',
});

/** Answers every frame that has an `id`; `error` frames where the text says so. */
function answer(socket: WebSocket, text: string): void {
  const frame = JSON.parse(text) as { type: string; id: string; room: string; text: string };
  const reply = (f: ServerFrame): void => socket.send(JSON.stringify({ ...f, id: frame.id }));
  if (frame.type === 'hello') reply(welcome);
  else if (frame.type === 'ping') reply({ type: 'pong', at: '' });
  else if (frame.text === 'no') reply({ type: 'error', code: 'forbidden', message: 'no' });
  else reply({ type: 'ack', room: frame.room, seq: 4, messageId: 'm4', at: '' });
}

describe('the test clients against a plain ws server', () => {
  let http: Server;
  let sockets: WebSocketServer;
  let port: number;
  let latest: WebSocket;

  beforeAll(async () => {
    http = createServer((_, response) =>
      response.writeHead(404, { 'content-type': 'application/json' }).end('{}'),
    );
    sockets = new WebSocketServer({ server: http });
    sockets.on('connection', (socket) => {
      latest = socket;
      // What a client does wrong in these tests is meant; ws answers it with a close code.
      socket.on('error', (error) => expect(error).toBeInstanceOf(Error));
      socket.on('message', (data: Buffer) => answer(socket, data.toString('utf8')));
    });
    http.listen(0, '127.0.0.1');
    await once(http, 'listening');
    port = (http.address() as AddressInfo).port;
  });

  afterAll(async () => {
    for (const socket of sockets.clients) socket.terminate();
    http.close();
    await once(http, 'close');
  });

  const connect = (recorder?: HistoryRecorder): Promise<TestClient> =>
    TestClient.connect({ url: `ws://127.0.0.1:${port}`, token: 't', ...(recorder ? { recorder } : {}) });

  it('gives each frame once, whatever the order in which frames are asked for', async () => {
    const client = await connect();
    for (const seq of [4, 5, 6]) latest.send(JSON.stringify(message(seq)));
    expect((await client.next('message', (f) => f.seq === 6)).seq).toBe(6);
    expect((await client.next('message')).seq).toBe(4);
    expect((await client.next('message')).seq).toBe(5);
    await expect(client.next('message', undefined, 20)).rejects.toThrow('no frame message: not within 20 ms');
    const orders = client.log.all.map((f) => f.n);
    expect(orders).toEqual([...orders].sort((a, b) => a - b));
    await client.close();
  });

  it('throws what the server refused, and says why it waits in vain once the socket is closed', async () => {
    const client = await connect();
    await expect(client.publish({ room: 'r', text: 'no' })).rejects.toMatchObject({ code: 'forbidden' });
    const waiting = client.next('gap');
    latest.close(4500, 'enough');
    await expect(waiting).rejects.toThrow('the socket was closed with 4500 enough');
    expect(await client.untilClosed()).toEqual({ code: 4500, reason: 'enough' });
  });

  it('reads nothing while paused, and everything afterwards', async () => {
    const client = await connect();
    client.pause();
    await new Promise((sent) => latest.send(JSON.stringify(message(4)), sent));
    await expect(client.next('message', undefined, 50)).rejects.toThrow('not within');
    client.resume();
    expect((await client.next('message')).seq).toBe(4);
    await client.close();
  });

  it('resumes where it was, and records what it did and saw', async () => {
    const recorder = new HistoryRecorder(() => 0);
    const client = await connect(recorder);
    await client.publish({ room: 'r', text: 'hi', clientId: 'c1' });
    latest.send(JSON.stringify(message(4)));
    latest.send(JSON.stringify({ type: 'gap', room: 'r', from: 5, to: 8, count: 4, reason: 'slow' }));
    await client.next('gap');
    expect(client.lastSeqs()).toEqual({ r: 8 });
    await client.close();
    const again = await client.reconnect();
    await again.close();
    const facts = recorder.events.map(({ t, session }: { t: string; session?: string }) => [t, session]);
    expect(facts).toEqual([
      ...['attach', 'send', 'ack', 'receive', 'gap', 'detach'].map((t) => [t, client.label]),
      ['attach', again.label],
      ['detach', again.label],
    ]);
    expect(recorder.events).toContainEqual(expect.objectContaining({ t: 'attach', head: 8 }));
    expect(recorder.events).toContainEqual(expect.objectContaining({ t: 'ack', sender: 'alice', seq: 4 }));
  });

  it('lets a raw client break the protocol and see how the server ends it', async () => {
    const client = await RawClient.connect(port);
    expect((await client.upgrade({ headers: { 'Sec-WebSocket-Protocol': null } })).status).toBe(101);
    client.sendFrame({ opcode: Opcode.ping, payload: 'are you there' });
    expect(await client.nextFrame()).toMatchObject({ opcode: Opcode.pong, fin: true });
    client.sendFrame({ opcode: Opcode.text, payload: 'unmasked', masked: false });
    expect((await client.untilEnd()).closeCode).toBe(1002);
  });

  it('reads HTTP answers, and throws at another status than the expected one', async () => {
    const client = new HttpClient(port);
    expect(await client.call('GET', '/nowhere')).toMatchObject({ status: 404, json: {} });
    await expect(client.expect(200, 'GET', '/nowhere')).rejects.toThrow('GET /nowhere was answered with 404');
  });
});

describe('wire frames', () => {
  it.each([0, 125, 126, 65_535, 65_536])('are read back with a payload of %i bytes', (size) => {
    const payload = Buffer.alloc(size, 'x');
    const bytes = encodeWireFrame({ opcode: Opcode.text, payload, masked: false });
    expect(decodeWireFrame(bytes)).toEqual({
      frame: { opcode: Opcode.text, fin: true, payload },
      length: bytes.length,
    });
    expect(decodeWireFrame(bytes.subarray(0, -1))).toBeNull();
  });
});

describe('a scrape', () => {
  it('sums the samples that have the labels asked for', () => {
    const metrics = new MetricsText(
      '# HELP a b\na_total{code="bad_frame",x="1"} 2\na_total{code="bad_frame",x="2"} 3\na_total{code="other"} 7\nb 1.5e3\n',
    );
    expect(metrics.value('a_total', { code: 'bad_frame' })).toBe(5);
    expect(metrics.value('a_total')).toBe(12);
    expect(metrics.value('b')).toBe(1_500);
    expect(metrics.has('c')).toBe(false);
    expect(metrics.labelNames('a_')).toEqual(new Set(['code', 'x']));
  });
});
