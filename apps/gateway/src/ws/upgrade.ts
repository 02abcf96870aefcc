import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Settings } from '@troupe/config';
import type { ErrorCode } from '@troupe/protocol';
import { SUBPROTOCOL, WS_PATH } from './ws.constants';

/** Why an upgrade is not accepted, as HTTP says it. */
export interface UpgradeRefusal {
  status: number;
  code: ErrorCode;
  detail: string;
  headers?: Record<string, string>;
}

export interface UpgradeState {
  settings: Pick<Settings, 'allowedOrigins' | 'connectionsMax'>;
  accepting: boolean;
  connections: number;
}

/** What is wrong with a request to upgrade, beyond what `ws` checks itself (method, version, key). */
export function refusalOf(request: IncomingMessage, state: UpgradeState): UpgradeRefusal | null {
  const { settings, accepting, connections } = state;
  const path = (request.url ?? '').split('?', 1)[0];
  if (path !== WS_PATH) return { status: 404, code: 'not_found', detail: 'no such path' };
  if (request.httpVersion !== '1.1') return { status: 505, code: 'bad_request', detail: 'HTTP/1.1 only' };
  if (/[?&](access_)?token=/.test(request.url ?? '')) {
    return { status: 400, code: 'bad_request', detail: 'the token does not belong in the URL' };
  }
  const offered = request.headers['sec-websocket-protocol'];
  if (offered !== undefined && !offered.split(',').some((p) => p.trim() === SUBPROTOCOL)) {
    return { status: 400, code: 'bad_request', detail: `the subprotocol is ${SUBPROTOCOL}` };
  }
  const { origin } = request.headers;
  if (
    origin !== undefined &&
    settings.allowedOrigins.length > 0 &&
    !settings.allowedOrigins.includes(origin)
  ) {
    return { status: 403, code: 'forbidden', detail: 'this origin is not allowed' };
  }
  if (!accepting || connections >= settings.connectionsMax) {
    const headers = { 'Retry-After': '1' };
    return { status: 503, code: 'unavailable', detail: 'no room for more connections', headers };
  }
  return null;
}

/** What `ws` found wrong with the handshake. Its messages name the header, never its value. */
export function refusalOfHandshake(error: Error, request: IncomingMessage): UpgradeRefusal {
  const detail = error.message;
  if (request.method !== 'GET')
    return { status: 405, code: 'bad_request', detail, headers: { Allow: 'GET' } };
  if (/version/i.test(detail)) {
    return { status: 426, code: 'bad_request', detail, headers: { 'Sec-WebSocket-Version': '13' } };
  }
  return { status: 400, code: 'bad_request', detail };
}

/** Answers and ends the socket. */
export function answerUpgrade(socket: Duplex, { status, code, detail, headers = {} }: UpgradeRefusal): void {
  const title = STATUS_CODES[status] ?? '';
  const body = JSON.stringify({ type: `urn:troupe:error:${code}`, title, status, detail, code });
  const extra = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(
    `HTTP/1.1 ${status} ${title}\r\nConnection: close\r\n${extra.join('')}` +
      `Content-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}
