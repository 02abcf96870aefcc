import { Module, type LoggerService } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { PRESENCE_QUERY, PasswordHasher, ROOM_GATE, SigningKeys, TokenIssuer } from '@troupe/people';
import {
  ACCOUNT_STORE,
  CLOCK,
  IDS,
  ROOM_DIRECTORY,
  ROOM_STORE,
  type AccountStore,
  type PresenceRecord,
  type RoomDirectory,
  type RoomStore,
} from '@troupe/ports';
import type { ErrorCode } from '@troupe/protocol';
import { AuthModule, type AuthSettings } from '../../auth/auth.module';
import { createHttpAdapter } from '../http-adapter';
import { RestModule } from '../rest.module';
import { MemoryPeople } from './memory-people';
import { RecordingGate } from './recording-gate';

const SETTINGS = {
  tokenTtlS: 600,
  argon2Concurrency: 2,
  argon2QueueMax: 50,
  loginPerMinute: 5,
  registerPerMinute: 50,
  httpBodyBytesMax: 65_536,
};

/** What the routes read and write besides the gate. */
export interface Stores {
  accounts: AccountStore;
  directory: RoomDirectory;
  rooms: Pick<RoomStore, 'history'>;
}

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | number | undefined>;
  text: string;
  /** The body as JSON; undefined when there is none. */
  json: unknown;
}

export interface Call {
  /** The bearer token. */
  as?: string;
  /** Sent as JSON. */
  body?: unknown;
  /** Sent as a form. */
  form?: Record<string, string> | string;
  /** Sent as it is. */
  raw?: string | Buffer;
  headers?: Record<string, string>;
  address?: string;
}

/** The HTTP API over rows in memory, called without a network. */
export class RestHarness {
  readonly rejected: ErrorCode[] = [];
  readonly logged: string[] = [];
  readonly people = new MemoryPeople();
  readonly gate = new RecordingGate(this.people);
  nowMs = 0;
  private app!: NestFastifyApplication;
  private readonly issuer = new TokenIssuer(new SigningKeys(this.people), SETTINGS.tokenTtlS);

  /** Opens the API, over rows in memory unless it is given stores. */
  static async open(settings: Partial<AuthSettings> = {}, stores?: Stores): Promise<RestHarness> {
    const harness = new RestHarness();
    const { people } = harness;
    await harness.start(
      { ...SETTINGS, ...settings },
      stores ?? { accounts: people, directory: people, rooms: people },
    );
    return harness;
  }

  private async start(settings: typeof SETTINGS, stores: Stores): Promise<void> {
    const rejections = { inc: ({ code }: { code: ErrorCode }) => void this.rejected.push(code) };
    const presence = { query: (users: readonly string[]) => Promise.resolve(users.map(offline)) };
    let uuids = 0;
    const ports = [
      { provide: ACCOUNT_STORE, useValue: stores.accounts },
      { provide: ROOM_DIRECTORY, useValue: stores.directory },
      { provide: ROOM_STORE, useValue: stores.rooms },
      { provide: ROOM_GATE, useValue: this.gate },
      { provide: PRESENCE_QUERY, useValue: presence },
      { provide: CLOCK, useValue: { nowMs: () => this.nowMs } },
      { provide: IDS, useValue: { uuid: () => `generated-${++uuids}` } },
    ];
    @Module({ providers: ports, exports: ports.map((port) => port.provide) })
    class PortsModule {}
    const module = await Test.createTestingModule({
      imports: [
        AuthModule.register({ settings, imports: [PortsModule] }),
        RestModule.register({ rejections, imports: [PortsModule] }),
      ],
    }).compile();
    this.app = module.createNestApplication<NestFastifyApplication>(createHttpAdapter(settings, rejections));
    this.app.useLogger(this.logger());
    await this.app.init();
    await this.app.getHttpAdapter().getInstance().ready();
  }

  close(): Promise<void> {
    return this.app.close();
  }

  /** Listens on a free port of the loopback interface, for what only a real socket shows. */
  async listen(): Promise<number> {
    await this.app.listen(0, '127.0.0.1');
    const address = this.app.getHttpServer().address();
    if (address === null || typeof address === 'string') throw new Error('not listening');
    return address.port;
  }

  async call(method: string, url: string, call: Call = {}): Promise<Answer> {
    const { as, body, form, raw, headers, address } = call;
    const type =
      form !== undefined
        ? 'application/x-www-form-urlencoded'
        : body !== undefined || raw !== undefined
          ? 'application/json'
          : undefined;
    const formText =
      form === undefined || typeof form === 'string' ? form : String(new URLSearchParams(form));
    const payload = raw ?? formText ?? (body === undefined ? undefined : JSON.stringify(body));
    const response = await this.app.inject({
      method: method as 'GET',
      url,
      ...(payload === undefined ? {} : { payload }),
      ...(address === undefined ? {} : { remoteAddress: address }),
      headers: {
        ...(type === undefined ? {} : { 'content-type': type }),
        ...(as === undefined ? {} : { authorization: `Bearer ${as}` }),
        ...headers,
      },
    });
    const text = response.body;
    const json: unknown = text === '' ? undefined : JSON.parse(text);
    return { status: response.statusCode, headers: response.headers, text, json };
  }

  /** Makes a user without the route, with a token. No password is hashed: the token is signed directly. */
  async user(id: string): Promise<string> {
    this.people.users.set(id, { id, name: id.toUpperCase(), passwordHash: 'none' });
    return (await this.issuer.issue({ id, kind: 'user' })).accessToken;
  }

  /** Makes a service client whose secret is {@link SERVICE_SECRET}, with a token. */
  async service(id: string, scopes: string[]): Promise<string> {
    const secretHash = await (serviceSecretHash ??= hasher.hash(SERVICE_SECRET));
    this.people.services.set(id, { id, secretHash, scopes });
    return (await this.issuer.issue({ id, kind: 'service' }, scopes)).accessToken;
  }

  private logger(): LoggerService {
    const keep = (...words: unknown[]): void => void this.logged.push(words.map(String).join(' '));
    return { log: () => undefined, warn: keep, error: keep };
  }
}

export const SERVICE_SECRET = 'bot-secret';
const hasher = new PasswordHasher({ concurrency: 1, queueMax: 1 });
// Hashing is slow on purpose; once is enough.
let serviceSecretHash: Promise<string> | undefined;

const offline = (user: string): PresenceRecord => ({ user, status: 'offline', lastSeen: null, sessions: 0 });
