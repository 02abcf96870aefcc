/** What a bus says about its connection; for the log and for metrics. */
export type NatsBusEvent =
  /** No server yet; it goes on trying. */
  | { event: 'waiting'; attempt: number; reason: string }
  | { event: 'connected'; server: string }
  | { event: 'disconnected'; reason: string }
  /** The server refused something: a permission, a subscription. */
  | { event: 'refused'; reason: string };

export interface NatsBusOptions {
  /** `nats://[user:password@ | token@]host[:port]`, several separated by commas. `tls://` asks for TLS. */
  url: string;
  /** How the connection is called in the server's monitoring. */
  name: string;
  /** Told what a handler threw. */
  onHandlerError: (error: unknown, subject: string) => void;
  /** The bus is closed for good although nobody closed it; the process should end. Called at most once. */
  onFatal: (error: Error) => void;
  /** Told what happens to the connection. */
  onEvent?: (event: NatsBusEvent) => void;
  /** How many bytes may be on their way to the server. Default 16 MiB. */
  pendingBytesMax?: number;
  /** How long {@link openNatsBus} waits for a server, in milliseconds. Default: as long as it takes. */
  firstConnectMs?: number;
  /** How long one attempt to connect may take, in milliseconds. Default 2,000. */
  attemptMs?: number;
  /** Wait before an attempt, in milliseconds: the first figure, plus a random part of the second. Default 250 and 500. */
  reconnectWaitMs?: number;
  reconnectJitterMs?: number;
  /** How often the server is pinged, in milliseconds; after two unanswered pings the connection is given up. Default 5,000. */
  pingIntervalMs?: number;
  /** How long `close()` lets handlers and sends finish, in milliseconds. Default 5,000. */
  closeDeadlineMs?: number;
}

export type NatsBusSettings = Required<Omit<NatsBusOptions, 'onEvent' | 'onHandlerError' | 'onFatal'>>;

export function withDefaults(options: NatsBusOptions): NatsBusSettings {
  return {
    url: options.url,
    name: options.name,
    pendingBytesMax: options.pendingBytesMax ?? 16 * 1_048_576,
    firstConnectMs: options.firstConnectMs ?? Infinity,
    attemptMs: options.attemptMs ?? 2_000,
    reconnectWaitMs: options.reconnectWaitMs ?? 250,
    reconnectJitterMs: options.reconnectJitterMs ?? 500,
    pingIntervalMs: options.pingIntervalMs ?? 5_000,
    closeDeadlineMs: options.closeDeadlineMs ?? 5_000,
  };
}
