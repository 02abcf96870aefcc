import { request } from 'node:http';
import type { Message } from '@troupe/protocol';
import { MetricsText } from './metrics.text';

export interface HttpReply {
  status: number;
  contentType: string;
  text: string;
  /** The body as JSON; null if it is none. */
  json: unknown;
}

/** A call was answered with another status than the one asked for. */
export class UnexpectedStatus extends Error {
  override readonly name = 'UnexpectedStatus';

  constructor(
    call: string,
    readonly reply: HttpReply,
  ) {
    super(`${call} was answered with ${reply.status}: ${reply.text.slice(0, 500)}`);
  }
}

const ANSWER_MS_MAX = 15_000;
const PAGE = 200;

/** Speaks HTTP to one port of a service, as one user or as nobody. One connection per call: none is left open. */
export class HttpClient {
  constructor(
    readonly port: number,
    private readonly token: string | null = null,
  ) {}

  /** The same port, as the bearer of a token. */
  as(token: string): HttpClient {
    return new HttpClient(this.port, token);
  }

  call(
    method: string,
    path: string,
    body?: { json: unknown } | { form: Record<string, string> } | { raw: string; contentType: string },
  ): Promise<HttpReply> {
    const [payload, contentType] = encodeBody(body);
    const headers = {
      ...(this.token === null ? {} : { authorization: `Bearer ${this.token}` }),
      ...(payload === null ? {} : { 'content-type': contentType, 'content-length': `${payload.length}` }),
    };
    return new Promise((resolve, reject) => {
      const options = {
        host: '127.0.0.1',
        port: this.port,
        method,
        path,
        headers,
        agent: false,
        timeout: ANSWER_MS_MAX,
      };
      const sent = request(options, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('error', reject);
        response.once('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          const type = response.headers['content-type'] ?? '';
          const json: unknown = /json/.test(type) && text !== '' ? JSON.parse(text) : null;
          resolve({ status: response.statusCode ?? 0, contentType: type, text, json });
        });
      });
      sent.once('timeout', () =>
        sent.destroy(new Error(`${method} ${path} is silent for ${ANSWER_MS_MAX} ms`)),
      );
      sent.once('error', reject);
      sent.end(payload ?? undefined);
    });
  }

  /** As {@link call}, but throws {@link UnexpectedStatus} unless the status is one of `statuses`; gives the JSON. */
  async expect<T>(
    statuses: number | readonly number[],
    method: string,
    path: string,
    json?: unknown,
  ): Promise<T> {
    const reply = await this.call(method, path, json === undefined ? undefined : { json });
    if (![statuses].flat().includes(reply.status)) throw new UnexpectedStatus(`${method} ${path}`, reply);
    return reply.json as T;
  }

  register(id: string, password: string): Promise<unknown> {
    return this.expect(201, 'POST', '/v1/users', { id, name: id, password });
  }

  /** Gives an access token by the password grant. */
  async logIn(username: string, password: string): Promise<string> {
    const form = { grant_type: 'password', username, password };
    const reply = await this.call('POST', '/v1/oauth/token', { form });
    if (reply.status !== 200) throw new UnexpectedStatus('POST /v1/oauth/token', reply);
    return (reply.json as { access_token: string }).access_token;
  }

  /** Reads a room's history from its beginning to its end, page by page. */
  async wholeHistory(room: string): Promise<Message[]> {
    const all: Message[] = [];
    for (;;) {
      const after = all.at(-1)?.seq ?? 0;
      const page = await this.expect<{ messages: Message[]; more: boolean }>(
        200,
        'GET',
        `/v1/rooms/${room}/messages?after=${after}&limit=${PAGE}`,
      );
      all.push(...page.messages);
      if (!page.more) return all;
      if (page.messages.length === 0)
        throw new Error(`history of ${room}: an empty page that says there is more`);
    }
  }

  async metrics(): Promise<MetricsText> {
    const reply = await this.call('GET', '/metrics');
    if (reply.status !== 200) throw new UnexpectedStatus('GET /metrics', reply);
    return new MetricsText(reply.text);
  }
}

function encodeBody(body: Parameters<HttpClient['call']>[2]): [Buffer | null, string] {
  if (body === undefined) return [null, ''];
  if ('json' in body) return [Buffer.from(JSON.stringify(body.json)), 'application/json'];
  if ('form' in body) {
    return [Buffer.from(new URLSearchParams(body.form).toString()), 'application/x-www-form-urlencoded'];
  }
  return [Buffer.from(body.raw), body.contentType];
}
