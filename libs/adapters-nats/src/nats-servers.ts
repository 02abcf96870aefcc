import type { ConnectionOptions } from 'nats';

/** One server of the list, as the client wants it. */
export interface NatsServer {
  host: string;
  port: number;
  /** `host:port`, for logs: never with credentials. */
  label: string;
  credentials: Pick<ConnectionOptions, 'user' | 'pass' | 'token' | 'tls'>;
}

const DEFAULT_PORT = 4222;

/** Reads a list of URLs; the client itself would drop user and password. Throws a RangeError that repeats nothing of them. */
export function parseServers(urls: string): NatsServer[] {
  return urls.split(',').map((text) => parseServer(text.trim()));
}

function parseServer(text: string): NatsServer {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const known = url?.protocol === 'nats:' || url?.protocol === 'tls:';
  if (!url || !known || url.hostname === '' || !['', '/'].includes(url.pathname)) {
    throw new RangeError('not a NATS URL: expected nats://host:port or tls://host:port');
  }
  const port = url.port === '' ? DEFAULT_PORT : Number(url.port);
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port,
    label: `${url.hostname}:${port}`,
    credentials: credentialsOf(url),
  };
}

function credentialsOf(url: URL): NatsServer['credentials'] {
  const user = decodeURIComponent(url.username);
  const pass = decodeURIComponent(url.password);
  return {
    ...(user === '' ? {} : pass === '' ? { token: user } : { user, pass }),
    ...(url.protocol === 'tls:' ? { tls: {} } : {}),
  };
}
