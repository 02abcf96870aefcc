import type { IncomingMessage } from 'node:http';
import { TestSocket } from '../testing/test-socket';
import { upgradeRequest } from '../testing/test-upgrade';
import { type UpgradeState, answerUpgrade, refusalOf, refusalOfHandshake } from './upgrade';

const OPEN: UpgradeState = {
  settings: { allowedOrigins: [], connectionsMax: 2 },
  accepting: true,
  connections: 0,
};

function over(request: IncomingMessage, state: Partial<UpgradeState> = {}): [number, string] | null {
  const refusal = refusalOf(request, { ...OPEN, ...state });
  return refusal && [refusal.status, refusal.code];
}

describe('a request to upgrade', () => {
  it.each([
    ['/v1/ws', null],
    ['/v1/ws?x=1', null],
    ['/v1/ws?', null],
    ['/', [404, 'not_found']],
    ['/v1/ws/', [404, 'not_found']],
    ['/v1/ws/../ws', [404, 'not_found']],
    ['/V1/WS', [404, 'not_found']],
    ['*', [404, 'not_found']],
    ['', [404, 'not_found']],
    ['/v1/ws?token=abc', [400, 'bad_request']],
    ['/v1/ws?x=1&token=abc', [400, 'bad_request']],
    ['/v1/ws?access_token=abc', [400, 'bad_request']],
    ['/v1/ws?mytoken=abc', null],
  ])('to %j is answered with %j', (url, expected) => {
    expect(over(upgradeRequest({}, url))).toEqual(expected);
  });

  it.each([
    ['1.0', [505, 'bad_request']],
    ['2.0', [505, 'bad_request']],
    ['1.1', null],
  ])('in HTTP %s is answered with %j', (version, expected) => {
    const request = upgradeRequest();
    request.httpVersion = version;
    expect(over(request)).toEqual(expected);
  });

  it.each([
    ['troupe.v1', null],
    ['chat, troupe.v1', null],
    ['chat,troupe.v1 ', null],
    ['troupe.v2', [400, 'bad_request']],
    ['', [400, 'bad_request']],
    ['TROUPE.V1', [400, 'bad_request']],
  ])('that offers the subprotocols %j is answered with %j', (offered, expected) => {
    expect(over(upgradeRequest({ 'sec-websocket-protocol': offered }))).toEqual(expected);
  });

  it('need not offer a subprotocol', () => {
    const request = upgradeRequest();
    delete request.headers['sec-websocket-protocol'];
    expect(over(request)).toBeNull();
  });

  it.each([
    [[], 'https://evil.example', null],
    [['https://app.example'], 'https://app.example', null],
    [['https://app.example'], undefined, null],
    [['https://app.example'], 'https://evil.example', [403, 'forbidden']],
    [['https://app.example'], 'https://app.example.evil.example', [403, 'forbidden']],
    [['https://app.example'], 'null', [403, 'forbidden']],
    [['https://app.example'], '', [403, 'forbidden']],
  ])('where %j are allowed, from the origin %j, is answered with %j', (allowedOrigins, origin, expected) => {
    const request = upgradeRequest(origin === undefined ? {} : { origin });
    expect(over(request, { settings: { allowedOrigins, connectionsMax: 2 } })).toEqual(expected);
  });

  it.each([
    [{ connections: 1 }, null],
    [{ connections: 2 }, [503, 'unavailable']],
    [{ connections: 3 }, [503, 'unavailable']],
    [{ accepting: false }, [503, 'unavailable']],
  ])('at a gateway with %j is answered with %j', (state, expected) => {
    expect(over(upgradeRequest(), state)).toEqual(expected);
  });

  it('says when to come back to a full gateway', () => {
    const refusal = refusalOf(upgradeRequest(), { ...OPEN, connections: 2 });
    expect(refusal?.headers).toEqual({ 'Retry-After': '1' });
  });
});

describe('a handshake that `ws` refuses', () => {
  it.each([
    ['POST', 'Invalid HTTP method', 405, { Allow: 'GET' }],
    ['GET', 'Missing or invalid Sec-WebSocket-Version header', 426, { 'Sec-WebSocket-Version': '13' }],
    ['GET', 'Missing or invalid Sec-WebSocket-Key header', 400, undefined],
  ])('for %s, with %j, is answered with %i', (method, message, status, headers) => {
    const request = upgradeRequest();
    request.method = method;
    const refusal = refusalOfHandshake(new Error(message), request);
    expect([refusal.status, refusal.code, refusal.headers]).toEqual([status, 'bad_request', headers]);
  });
});

describe('the answer to a refused upgrade', () => {
  it('is a whole HTTP response with a problem, after which the socket ends', async () => {
    const socket = new TestSocket();
    const closed = new Promise((resolve) => socket.once('close', resolve));
    answerUpgrade(socket, {
      status: 503,
      code: 'unavailable',
      detail: 'no room — later',
      headers: { 'Retry-After': '1' },
    });
    await closed;
    const [head = '', body = ''] = Buffer.concat(socket.writes).toString().split('\r\n\r\n');
    const [status, ...headers] = head.split('\r\n');
    expect(status).toBe('HTTP/1.1 503 Service Unavailable');
    expect(headers).toEqual([
      'Connection: close',
      'Retry-After: 1',
      'Content-Type: application/problem+json',
      `Content-Length: ${Buffer.byteLength(body)}`,
    ]);
    expect(JSON.parse(body)).toEqual({
      type: 'urn:troupe:error:unavailable',
      title: 'Service Unavailable',
      status: 503,
      detail: 'no room — later',
      code: 'unavailable',
    });
  });
});
