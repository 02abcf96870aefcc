import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { useBodyParsers } from './body.parsers';
import { answerClientError } from './client-error';
import { sendProblem } from './problem';
import { INTERNAL, refusalOfStatus } from './refusal';
import type { Rejections } from './rejections';

export interface HttpSettings {
  httpBodyBytesMax: number;
}

/** From the first byte to the last of a request, body included. */
const REQUEST_TIMEOUT_MS = 15_000;
const HEADERS_TIMEOUT_MS = 10_000;
/** How long a socket may be silent during a request. A WebSocket's own socket has no such limit: `ws` lifts it. */
const SOCKET_TIMEOUT_MS = 30_000;
const TIMEOUT_CHECK_MS = 5_000;
const HEADERS_MAX = 64;
/** An id has at most 64 characters; percent-encoding makes it longer. */
const PARAMETER_CHARACTERS_MAX = 200;
const REQUEST_ID = /^[\w-]{8,64}$/;

/** Makes the HTTP server of the gateway, with every limit set. `rejections` counts what never reaches a route. */
export function createHttpAdapter(settings: HttpSettings, rejections?: Rejections): FastifyAdapter {
  const adapter = new FastifyAdapter({
    bodyLimit: settings.httpBodyBytesMax,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: SOCKET_TIMEOUT_MS,
    http: { headersTimeout: HEADERS_TIMEOUT_MS, connectionsCheckingInterval: TIMEOUT_CHECK_MS },
    routerOptions: { maxParamLength: PARAMETER_CHARACTERS_MAX },
    // Idle connections end at once when the server closes; requests under way are answered first, and not with 503.
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    genReqId: requestId,
    clientErrorHandler: (error, socket) => answerClientError(error, socket, rejections),
    frameworkErrors: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
      const refusal = refusalOfStatus(error.statusCode ?? 500) ?? INTERNAL;
      rejections?.inc({ code: refusal.code });
      void reply.headers(headersFor(request.id, request.url));
      sendProblem(reply, refusal);
    },
  });
  const server = adapter.getInstance();
  server.server.maxHeadersCount = HEADERS_MAX;
  server.addHook('onRequest', (request, reply, done) => {
    void reply.headers(headersFor(request.id, request.url));
    done();
  });
  useBodyParsers(adapter, settings.httpBodyBytesMax);
  return adapter;
}

function requestId(request: IncomingMessage): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
}

function headersFor(id: string, url: string): Record<string, string> {
  return {
    'x-request-id': id,
    'x-content-type-options': 'nosniff',
    // What the API says is for who asked, and only now.
    ...(url.startsWith('/v1/') ? { 'cache-control': 'no-store' } : {}),
  };
}
