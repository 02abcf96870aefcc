import { once } from 'node:events';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { NestFactory } from '@nestjs/core';
import { Module, type INestApplicationContext } from '@nestjs/common';
import { parseSettings } from '@troupe/config';
import type { ErrorCode } from '@troupe/protocol';
import { RawClient, withinDeadline } from '@troupe/testing';
import { WebSocket } from 'ws';
import { TroupeWsAdapter } from './troupe-ws.adapter';
import { SUBPROTOCOL, WS_PATH } from './ws.constants';

const DEADLINE_MS = 5_000;

@Module({})
class Empty {}

describe('the WebSocket adapter', () => {
  let server: Server;
  let context: INestApplicationContext;
  let adapter: TroupeWsAdapter;
  let accepted: WebSocket[];
  let rejected: ErrorCode[];
  let url: string;
  beforeAll(async () => {
    context = await NestFactory.createApplicationContext(Empty, { logger: false });
  });
  beforeEach(async () => {
    server = createServer();
    accepted = [];
    rejected = [];
    const app = { ...context, getHttpServer: () => server } as INestApplicationContext & {
      getHttpServer(): Server;
    };
    const settings = { ...parseSettings({}), connectionsMax: 3, frameBytesMax: 1_024 };
    adapter = new TroupeWsAdapter(app, settings, (code) => void rejected.push(code));
    adapter.bindClientConnect(adapter.create(), (webSocket) => {
      webSocket.on('error', () => undefined);
      accepted.push(webSocket);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}${WS_PATH}`;
  });
  afterEach(async () => {
    adapter.close();
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  });
  afterAll(() => context.close());

  async function connected(): Promise<WebSocket> {
    const client = new WebSocket(url, SUBPROTOCOL);
    client.on('error', () => undefined);
    await withinDeadline('open', once(client, 'open'), DEADLINE_MS);
    return client;
  }

  /** The status that an upgrade is refused with. */
  async function refusal(): Promise<number | undefined> {
    const client = new WebSocket(url, SUBPROTOCOL);
    client.on('error', () => undefined);
    const [, response] = await withinDeadline('refused', once(client, 'unexpected-response'), DEADLINE_MS);
    client.terminate();
    return (response as { statusCode?: number }).statusCode;
  }

  const closed = async (client: WebSocket): Promise<number> =>
    Number((await withinDeadline('closed', once(client, 'close'), DEADLINE_MS))[0]);

  it('hands over sockets that speak the subprotocol, uncompressed', async () => {
    const client = await connected();
    expect(client.protocol).toBe(SUBPROTOCOL);
    expect(client.extensions).toBe('');
    expect(accepted).toHaveLength(1);
  });

  it('refuses what is over the limit of connections, and takes it again when one has gone', async () => {
    const clients = [await connected(), await connected(), await connected()];
    expect(await refusal()).toBe(503);
    expect(rejected).toEqual(['unavailable']);
    const gone = closed(accepted[0] as WebSocket);
    clients[0]?.close();
    await gone;
    await connected();
  });

  it('answers a handshake that `ws` cannot read', async () => {
    const raw = await RawClient.connect((server.address() as AddressInfo).port);
    const head = await raw.upgrade({ headers: { 'Sec-WebSocket-Version': '12' } });
    expect(head.status).toBe(426);
    expect(rejected).toEqual(['bad_request']);
    raw.destroy();
  });

  it('lets `ws` close with 1009 when a frame is too large', async () => {
    const client = await connected();
    const code = closed(client);
    client.send('x'.repeat(1_025));
    expect(await code).toBe(1009);
  });

  describe('when the gateway goes down', () => {
    it('lets nobody in any more, and leaves those who are in', async () => {
      const client = await connected();
      adapter.stopAccepting();
      expect(await refusal()).toBe(503);
      expect(client.readyState).toBe(WebSocket.OPEN);
    });

    it('waits until every client has taken its close frame', async () => {
      const clients = [await connected(), await connected()];
      const codes = clients.map(closed);
      const drained = adapter.drained(60_000);
      for (const webSocket of accepted) webSocket.close(1012, 'restart');
      await withinDeadline('drained', drained, DEADLINE_MS);
      expect(await Promise.all(codes)).toEqual([1012, 1012]);
      expect(accepted.map((webSocket) => webSocket.readyState)).toEqual([WebSocket.CLOSED, WebSocket.CLOSED]);
    });

    it('waits no longer than it may for one that does not answer', async () => {
      const client = await connected();
      client.pause();
      accepted[0]?.close(1012, 'restart');
      const startMs = performance.now();
      await withinDeadline('drained', adapter.drained(50), DEADLINE_MS);
      expect(performance.now() - startMs).toBeGreaterThan(40);
      const gone = closed(accepted[0] as WebSocket);
      adapter.close();
      await gone;
    });

    it('has nothing to wait for without clients', async () => {
      await withinDeadline('drained', adapter.drained(60_000), DEADLINE_MS);
    });
  });
});
