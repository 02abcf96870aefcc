import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { createHttpAdapter } from './http-adapter';

describe('createHttpAdapter', () => {
  const adapter = createHttpAdapter({ httpBodyBytesMax: 65_536 });
  const server = adapter.getInstance().server;
  afterAll(() => adapter.close());

  it('limits how long headers, requests and silences may take, and how many headers there are', () => {
    expect(server.headersTimeout).toBe(10_000);
    expect(server.requestTimeout).toBe(15_000);
    expect(server.timeout).toBe(30_000);
    expect(server.maxHeadersCount).toBe(64);
    expect(adapter.getInstance().initialConfig.bodyLimit).toBe(65_536);
  });

  it('leaves a WebSocket to be silent as long as it likes', async () => {
    const sockets = new WebSocketServer({ noServer: true });
    const upgraded = new Promise<Socket>((resolve) => {
      server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
        expect(socket.timeout).toBe(30_000);
        sockets.handleUpgrade(request, socket, head, () => resolve(socket));
      });
    });
    await adapter.getInstance().listen({ port: 0, host: '127.0.0.1' });
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('not listening');
    const client = new WebSocket(`ws://127.0.0.1:${address.port}/`);
    const opened = once(client, 'open');
    expect((await upgraded).timeout).toBe(0);
    await opened;
    client.terminate();
    await once(client, 'close');
    sockets.close();
  });
});
