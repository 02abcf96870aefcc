import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Settings } from '@troupe/config';
import { SUBPROTOCOL, WS_PATH } from './ws.constants';

export interface UpgradeState {
  settings: Pick<Settings, 'allowedOrigins' | 'connectionsMax'>;
  accepting: boolean;
  connections: number;
}

/**
 * Answers an upgrade that is not ours to accept, with a status and a reason; true if it was answered.
 * What `ws` checks itself (method, version, key) it also answers itself.
 */
export function refuseUpgrade(request: IncomingMessage, socket: Duplex, state: UpgradeState): boolean {
  const refusal = refusalOf(request, state);
  if (!refusal) return false;
  const { status, detail, retryAfterS } = refusal;
  const body = JSON.stringify({
    type: 'about:blank',
    title: STATUS_CODES[status],
    status,
    detail,
    code: refusal.code,
  });
  const retry = retryAfterS === undefined ? '' : `Retry-After: ${retryAfterS}\r\n`;
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nConnection: close\r\n${retry}` +
      `Content-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  return true;
}

interface Refusal {
  status: number;
  code: string;
  detail: string;
  retryAfterS?: number;
}

function refusalOf(
  request: IncomingMessage,
  { settings, accepting, connections }: UpgradeState,
): Refusal | null {
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
    return { status: 503, code: 'unavailable', detail: 'no room for more connections', retryAfterS: 1 };
  }
  return null;
}
