import { MemoryBusHub, MemoryMessageBus, SystemIds } from '@troupe/adapters-memory';
import { type Settings, parseSettings } from '@troupe/config';
import { createLogger, createMetrics } from '@troupe/observability';
import {
  MessagesService,
  RoomAccess,
  RoomsService,
  SigningKeys,
  TokenIssuer,
  TokenVerifier,
} from '@troupe/people';
import type { Platform } from '@troupe/platform';
import type { Clock } from '@troupe/ports';
import type { Message, RoomKind } from '@troupe/protocol';
import { EdgeService } from '../edge/edge.service';
import { GatewayService } from '../gateway.service';
import { MemoryPeople } from '../rest/testing/memory-people';
import { PresenceReporter } from '../session/presence-reporter';
import { TestClient } from './test-client';

/** A simulated clock. */
export interface SteppedClock extends Clock {
  settle(): Promise<void>;
  run(ms: number): Promise<void>;
}

/** Verifying a signature is done off the thread: so long may it take in real time. */
const PATIENCE_MS = 5_000;

/** A gateway in simulated time: its sockets are the test's, its rows in memory, its bus in process. */
export class GatewayHarness {
  readonly hub: MemoryBusHub;
  readonly bus: MemoryMessageBus;
  /** A connection to the same bus for whatever is not the gateway. */
  readonly otherBus: MemoryMessageBus;
  readonly people = new MemoryPeople();
  readonly metrics = createMetrics({ service: 'gateway' });
  readonly logged: string[] = [];
  readonly failures: unknown[] = [];
  storeDown = false;
  readonly edge: EdgeService;
  readonly presence: PresenceReporter;
  readonly gateway: GatewayService;
  private readonly issuer: TokenIssuer;
  private readonly clients: TestClient[] = [];

  constructor(
    readonly clock: SteppedClock,
    options: { settings?: Partial<Settings>; hub?: MemoryBusHub } = {},
  ) {
    const settings = { ...parseSettings({}), ...options.settings };
    const { people, metrics } = this;
    const onHandlerError = (error: unknown): void => void this.failures.push(error);
    this.hub = options.hub ?? new MemoryBusHub();
    this.bus = new MemoryMessageBus({ hub: this.hub, clock, onHandlerError });
    this.otherBus = new MemoryMessageBus({ hub: this.hub, clock, onHandlerError });
    const ids = new SystemIds();
    const destination = { write: (line: string) => void this.logged.push(line) };
    const logger = createLogger({ service: 'gateway', level: 'error', destination });
    // The gateway's own parts read rooms from it and nothing else.
    const database = { directory: people } as unknown as ReturnType<Platform['database']>;
    const platform = { settings, logger, metrics, clock, ids, bus: this.bus, database: () => database };
    this.edge = new EdgeService({ ...platform, storeDown: () => this.storeDown }, settings);
    this.presence = new PresenceReporter(this.edge.id, this.bus, clock, settings.presenceRenewMs);
    const access = new RoomAccess(people);
    const keys = new SigningKeys(people);
    this.issuer = new TokenIssuer(keys, 3_600);
    this.gateway = new GatewayService(
      platform as unknown as Platform,
      this.edge,
      this.presence,
      new TokenVerifier(keys),
      new RoomsService(people, people, this.edge, access, ids),
      access,
      new MessagesService(people, this.edge, access),
    );
    this.gateway.onApplicationBootstrap();
  }

  /** Makes a user, and a token. */
  async token(user: string): Promise<string> {
    this.people.users.set(user, { id: user, name: user, passwordHash: 'none' });
    return (await this.issuer.issue({ id: user, kind: 'user' })).accessToken;
  }

  /** Makes a room, or changes who is in it. */
  room(room: string, members: readonly string[], options: { kind?: RoomKind; open?: boolean } = {}): void {
    const { kind = 'group', open = false } = options;
    const messages: Message[] = this.people.rooms.get(room)?.messages ?? [];
    this.people.rooms.set(room, {
      room,
      kind,
      title: null,
      open,
      durable: true,
      onOverflow: 'drop-oldest',
      members: new Map(members.map((user) => [user, 'member'])),
      messages,
    });
  }

  /** A client's socket, before anything was said. */
  connect(headers: Record<string, string> = {}): TestClient {
    const client = new TestClient(this.gateway, headers);
    this.clients.push(client);
    return client;
  }

  /** A session that has been welcomed. */
  async open(user: string, hello: object = {}): Promise<TestClient> {
    const client = this.connect();
    client.say({ type: 'hello', token: await this.token(user), ...hello });
    await this.until(() => client.of('welcome').length > 0);
    return client;
  }

  /** Lets everything happen that needs no time. */
  settle(): Promise<void> {
    return this.clock.settle();
  }

  /** Resolves when it is so; no simulated time passes. */
  async until(so: () => boolean): Promise<void> {
    const deadlineMs = performance.now() + PATIENCE_MS;
    await this.clock.settle();
    while (!so()) {
      if (performance.now() > deadlineMs) {
        const frames = this.clients.map((client) => JSON.stringify(client.frames));
        throw new Error(`it did not happen; frames: ${frames.join(' | ')}; log: ${this.logged.join(' ')}`);
      }
      await this.clock.settle();
    }
  }

  /** Drops every socket. Throws what went wrong in a handler of the bus. */
  async close(): Promise<void> {
    for (const client of this.clients) client.socket.destroy();
    this.gateway.stop();
    await this.clock.settle();
    await Promise.all([this.bus.close(), this.otherBus.close()]);
    if (this.failures.length > 0) throw this.failures[0];
  }
}
