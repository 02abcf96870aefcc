import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { healthPathOf, type HealthHandler } from './health.handler';

export interface HealthServer {
  /** The port in use; tells which one was taken for port 0. */
  readonly port: number;
  /** Stops listening and ends connections that scrapers keep open. Idempotent. */
  close(): Promise<void>;
}

/** Probes and a few scrapers; more is somebody else. */
const CONNECTIONS_MAX = 64;
const REQUEST_TIMEOUT_MS = 5_000;

/** Serves the health paths on a port of their own. Rejects when the port cannot be had. */
export async function startHealthServer(options: {
  handler: HealthHandler;
  host: string;
  port: number;
}): Promise<HealthServer> {
  const server = createServer(
    { requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS },
    (request, response) => void answer(options.handler, request, response),
  );
  server.maxConnections = CONNECTIONS_MAX;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return { port: (server.address() as AddressInfo).port, close: () => stop(server) };
}

async function answer(
  handler: HealthHandler,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = healthPathOf(request.url ?? '');
  if (!path) return send(response, 404, 'text/plain; charset=utf-8', 'not found\n');
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD');
    return send(response, 405, 'text/plain; charset=utf-8', 'method not allowed\n');
  }
  const { status, contentType, body } = await handler(path);
  send(response, status, contentType, body);
}

function send(response: ServerResponse, status: number, contentType: string, body: string): void {
  response.writeHead(status, {
    'Content-Type': contentType,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
  });
  response.end(body);
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    // The callback's error means "was not running", which is what was asked for.
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
