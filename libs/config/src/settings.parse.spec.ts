import { BadSettings } from './bad-settings.error';
import { parseSettings } from './settings.parse';

/** The problem of each bad variable. */
function problemsOf(env: NodeJS.ProcessEnv): Record<string, string> {
  try {
    parseSettings(env);
  } catch (error) {
    if (!(error instanceof BadSettings)) throw error;
    return Object.fromEntries(error.problems.map(({ variable, problem }) => [variable, problem]));
  }
  return {};
}

function messageOf(env: NodeJS.ProcessEnv): string {
  try {
    parseSettings(env);
  } catch (error) {
    return String(error);
  }
  throw new Error('the settings were taken');
}

describe('Parsing an environment', () => {
  it('gives the documented defaults for an empty one', () => {
    expect(parseSettings({})).toEqual({
      port: 3000,
      host: '0.0.0.0',
      healthPort: undefined,
      natsUrl: undefined,
      redisUrl: undefined,
      databaseUrl: undefined,
      dataDir: './data',
      logLevel: 'info',
      nodeEnv: 'development',
      shutdownTimeoutMs: 15000,
      leaseTtlMs: 2000,
      leaseRenewMs: 500,
      leasePollMs: 250,
      mailboxMessagesMax: 1000,
      mailboxBytesMax: 1048576,
      dedupWindowMax: 1000,
      roomIdleMs: 300000,
      roomPendingMax: 2000,
      storeBatchMessagesMax: 1000,
      storeBatchBytesMax: 1048576,
      storeQueueMax: 20000,
      storeTimeoutMs: 5000,
      databasePoolMax: 4,
      seqReserve: 1000,
      edgeTtlMs: 15000,
      edgeAliveMs: 3000,
      resumeMessagesMax: 1000,
      publishDeadlineMs: 5000,
      frameBytesMax: 65536,
      fragmentsMax: 64,
      fragmentTimeoutMs: 10000,
      socketHighWaterBytes: 262144,
      slowCloseMs: 60000,
      resumePieceBytes: 65536,
      controlLaneBytesMax: 65536,
      heartbeatMs: 25000,
      pongTimeoutMs: 8000,
      helloTimeoutMs: 5000,
      messagesPerSecond: 500,
      messagesBurst: 1000,
      framesPerSecond: 1000,
      framesBurst: 2000,
      connectionsMax: 50000,
      inFlightMax: 1000,
      badFramesMax: 5,
      allowedOrigins: [],
      tokenTtlS: 3600,
      argon2Concurrency: 2,
      argon2QueueMax: 50,
      loginPerMinute: 30,
      registerPerMinute: 60,
      httpBodyBytesMax: 65536,
      presenceLeaseMs: 15000,
      presenceRenewMs: 5000,
      warnings: [],
    });
  });

  it('reads values of every kind', () => {
    const settings = parseSettings({
      PORT: '0',
      HEALTH_PORT: '9100',
      LEASE_TTL_MS: '3000',
      LEASE_RENEW_MS: '1000',
      LOG_LEVEL: 'silent',
      DATA_DIR: ':memory:',
      NATS_URL: 'tls://user:p%40ss@nats.internal:4222',
      DATABASE_URL: 'postgresql:///troupe?host=/run/postgresql',
      ALLOWED_ORIGINS: 'https://chat.example, http://localhost:8080',
    });
    expect(settings).toMatchObject({
      port: 0,
      healthPort: 9100,
      leaseTtlMs: 3000,
      leaseRenewMs: 1000,
      logLevel: 'silent',
      dataDir: ':memory:',
      natsUrl: 'tls://user:p%40ss@nats.internal:4222',
      databaseUrl: 'postgresql:///troupe?host=/run/postgresql',
      allowedOrigins: ['https://chat.example', 'http://localhost:8080'],
    });
  });

  it('takes an empty or blank value for an unset one, and ignores white space around a value', () => {
    const settings = parseSettings({ PORT: '', NATS_URL: '  ', LEASE_TTL_MS: '4000\n' });
    expect(settings).toMatchObject({ port: 3000, natsUrl: undefined, leaseTtlMs: 4000 });
  });

  it('cannot be changed afterwards', () => {
    expect(Object.isFrozen(parseSettings({}))).toBe(true);
  });

  it('lists everything wrong at once, each by name with what is expected', () => {
    expect(messageOf({ PORT: '70000', LOG_LEVEL: 'loud', LEASE_TTL_MS: '499', MESSAGES_BURST: 'many' })).toBe(
      [
        'BadSettings: 4 settings are wrong:',
        '  PORT is 70000; expected a whole number (port) from 0 to 65535',
        '  LOG_LEVEL is none of the known words; expected fatal, error, warn, info, debug, trace or silent',
        '  LEASE_TTL_MS is 499; expected a whole number (milliseconds) from 500 to 60000',
        '  MESSAGES_BURST is not a whole number; expected a whole number (messages) from 1 to 1000000',
      ].join('\n'),
    );
  });

  it.each([
    '1e3',
    '0x10',
    '1.5',
    '-1',
    '+5',
    '1_000',
    '007',
    '1,000',
    '٣',
    'NaN',
    'Infinity',
    '99999999999999999999',
  ])('refuses %j where a whole number is expected', (value) => {
    expect(problemsOf({ CONNECTIONS_MAX: value })).toHaveProperty('CONNECTIONS_MAX');
  });

  it('takes both ends of a range and nothing beyond', () => {
    expect(parseSettings({ PORT: '65535' }).port).toBe(65535);
    expect(problemsOf({ PORT: '65536' })).toHaveProperty('PORT');
    expect(parseSettings({ BAD_FRAMES_MAX: '1' }).badFramesMax).toBe(1);
    expect(problemsOf({ BAD_FRAMES_MAX: '0' })).toHaveProperty('BAD_FRAMES_MAX');
  });

  it('takes LEASE_RENEW_MS up to a third of LEASE_TTL_MS', () => {
    expect(parseSettings({ LEASE_TTL_MS: '1500', LEASE_RENEW_MS: '500' }).leaseRenewMs).toBe(500);
    expect(problemsOf({ LEASE_TTL_MS: '1499', LEASE_RENEW_MS: '500' })).toEqual({
      LEASE_RENEW_MS:
        'is 500 and LEASE_TTL_MS is 1499; it must be at most a third of LEASE_TTL_MS (two renewals may be lost before the third is due)',
    });
  });

  it.each([
    ['EDGE_ALIVE_MS', { EDGE_ALIVE_MS: '5001' }],
    ['PRESENCE_RENEW_MS', { PRESENCE_RENEW_MS: '5001' }],
    ['PUBLISH_DEADLINE_MS', { PUBLISH_DEADLINE_MS: '2999' }],
    ['PONG_TIMEOUT_MS', { PONG_TIMEOUT_MS: '25000' }],
    ['RESUME_PIECE_BYTES', { RESUME_PIECE_BYTES: '65536', SOCKET_HIGH_WATER_BYTES: '65535' }],
    ['LEASE_POLL_MS', { LEASE_POLL_MS: '2001' }],
    ['ROOM_PENDING_MAX', { STORE_QUEUE_MAX: '1999' }],
    ['STORE_BATCH_MESSAGES_MAX', { STORE_BATCH_MESSAGES_MAX: '10000', STORE_QUEUE_MAX: '9999' }],
    ['MAILBOX_BYTES_MAX', { MAILBOX_BYTES_MAX: '65535' }],
    ['STORE_BATCH_BYTES_MAX', { STORE_BATCH_BYTES_MAX: '65535' }],
    ['FRAMES_PER_SECOND', { FRAMES_PER_SECOND: '499' }],
    ['FRAMES_BURST', { FRAMES_BURST: '999' }],
  ])('refuses %s when it contradicts another setting', (variable, env) => {
    expect(problemsOf(env)).toHaveProperty(variable);
  });

  it('says nothing about a relation while one side of it is wrong by itself', () => {
    expect(Object.keys(problemsOf({ LEASE_TTL_MS: 'x', LEASE_RENEW_MS: '19000' }))).toEqual(['LEASE_TTL_MS']);
  });

  it.each([
    ['NATS_URL', 'http://nats:4222', 'has another scheme'],
    ['NATS_URL', 'nats:4222', 'has another scheme'],
    ['NATS_URL', 'nats://', 'has no host'],
    ['NATS_URL', 'nats://a:4222,nats://b:4222', 'contains white space or a comma'],
    ['NATS_URL', 'nats://a:99999', 'is not a URL'],
    ['REDIS_URL', 'redis:///0', 'has no host'],
    ['REDIS_URL', 'postgres://redis', 'has another scheme'],
    ['DATABASE_URL', 'postgres:///troupe', 'has no host'],
    ['DATABASE_URL', 'mysql://db/troupe', 'has another scheme'],
    ['DATABASE_URL', 'postgres://u:100%@db/troupe', 'has a malformed %-escape in its credentials'],
  ])('refuses %s=%s: it %s', (variable, value, problem) => {
    expect(problemsOf({ [variable]: value })[variable]).toContain(problem);
  });

  it.each([
    'https://chat.example/',
    'https://chat.example/app',
    'chat.example',
    '*',
    'https://Chat.example',
    'null',
  ])('refuses %s as an allowed origin', (value) => {
    expect(problemsOf({ ALLOWED_ORIGINS: `https://ok.example,${value}` })['ALLOWED_ORIGINS']).toContain(
      'entry 2',
    );
  });

  it('never repeats a URL, nor a secret that was put into another variable', () => {
    const message = messageOf({
      NATS_URL: 'http://user:hunter2@nats',
      REDIS_URL: 'redis://:hunter2@:bad',
      DATABASE_URL: 'hunter2',
      PORT: 'hunter2',
      LOG_LEVEL: 'hunter2',
      HOST: 'hunter2 ',
      DATA_DIR: 'hunter2\u0007x',
      ALLOWED_ORIGINS: 'hunter2',
    });
    expect(message).toMatch(/7 settings are wrong/);
    expect(message).not.toContain('hunter2');
  });
});

describe('Warnings', () => {
  it('name unknown variables that look like ours', () => {
    const { warnings } = parseSettings({
      LEASE_TTL: '5',
      TROUPE_X: 'secret',
      PATH: '/bin',
      NODE_OPTIONS: '',
    });
    expect(warnings).toEqual([
      'LEASE_TTL is not a setting and has no effect; .env.example lists them all',
      'TROUPE_X is not a setting and has no effect; .env.example lists them all',
    ]);
  });

  it('leave the variables alone that Kubernetes makes for services', () => {
    const env = {
      NATS_PORT: 'tcp://10.0.0.1:4222',
      NATS_PORT_4222_TCP_ADDR: 'x',
      PRESENCE_SERVICE_HOST: 'x',
    };
    expect(parseSettings({ ...env, REDIS_SERVICE_PORT_REDIS: '6379' }).warnings).toEqual([]);
  });

  it('tell of a database that was configured in a way which is not read', () => {
    const { warnings } = parseSettings({ PGHOST: 'db', PGPASSWORD: 'hunter2' });
    expect(warnings).toEqual([
      'PGHOST, PGPASSWORD set without DATABASE_URL: only DATABASE_URL is read, so the embedded database under DATA_DIR is used',
    ]);
    expect(parseSettings({ PGHOST: 'db', DATABASE_URL: 'postgres://db/troupe' }).warnings).toEqual([]);
  });
});
