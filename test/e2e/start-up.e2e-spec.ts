import { withinDeadline } from '@troupe/testing';
import { type ServiceKind, startService } from './support/services';

/*
 * Goal: a service with bad settings, or without the URLs that it needs, stops at once and names the variable.
 * Method: the built services, started with one thing wrong; no server is needed, since none is to be asked.
 */
jest.setTimeout(60_000);

const NOWHERE = {
  NATS_URL: 'nats://127.0.0.1:1',
  REDIS_URL: 'redis://127.0.0.1:1',
  DATABASE_URL: 'postgres://127.0.0.1:1/x',
};
const SECRET = 'hunter2';

async function refusalOf(
  kind: ServiceKind,
  env: Record<string, string>,
): Promise<{ code: number | null; said: string }> {
  const process = await startService(kind, env, { awaitReady: false });
  try {
    const { code } = await withinDeadline(`the refusal of ${kind}`, process.exited, 15_000);
    return { code, said: process.output() };
  } finally {
    await process.stop();
  }
}

const without = (...names: (keyof typeof NOWHERE)[]): Record<string, string> =>
  Object.fromEntries(Object.entries(NOWHERE).filter(([name]) => !names.some((n) => n === name)));

const wrong: { kind: ServiceKind; setting: string; value: string }[] = [
  { kind: 'gateway', setting: 'PORT', value: '99999' },
  { kind: 'gateway', setting: 'NATS_URL', value: `http://user:${SECRET}@127.0.0.1` },
  { kind: 'gateway', setting: 'MESSAGES_PER_SECOND', value: '1e3' },
  { kind: 'gateway', setting: 'SOCKET_HIGH_WATER_BYTES', value: '-1' },
  { kind: 'gateway', setting: 'ALLOWED_ORIGINS', value: 'https://app.example.com/' },
  { kind: 'room-actor', setting: 'LEASE_TTL_MS', value: 'soon' },
  { kind: 'room-actor', setting: 'LEASE_RENEW_MS', value: '1500' },
  { kind: 'room-actor', setting: 'DATABASE_URL', value: `mysql://user:${SECRET}@127.0.0.1/x` },
  { kind: 'room-actor', setting: 'MAILBOX_MESSAGES_MAX', value: '0' },
  { kind: 'presence', setting: 'REDIS_URL', value: 'not a url' },
  { kind: 'presence', setting: 'LOG_LEVEL', value: 'loud' },
  { kind: 'standalone', setting: 'HEALTH_PORT', value: '3.5' },
  { kind: 'standalone', setting: 'NODE_ENV', value: 'prod' },
];

const missing: { kind: ServiceKind; names: (keyof typeof NOWHERE)[] }[] = [
  { kind: 'gateway', names: ['NATS_URL'] },
  { kind: 'gateway', names: ['DATABASE_URL'] },
  { kind: 'gateway', names: ['NATS_URL', 'DATABASE_URL'] },
  { kind: 'room-actor', names: ['NATS_URL'] },
  { kind: 'room-actor', names: ['DATABASE_URL'] },
  { kind: 'presence', names: ['NATS_URL'] },
  { kind: 'presence', names: ['REDIS_URL'] },
];

describe('a service that is started', () => {
  it.each(wrong)(
    '$kind with $setting=$value stops and names the variable',
    async ({ kind, setting, value }) => {
      const { code, said } = await refusalOf(kind, { ...NOWHERE, DATA_DIR: ':memory:', [setting]: value });
      expect(code).toBeGreaterThan(0);
      expect(said).toContain(setting);
      // A URL holds a password; a log is read by many.
      expect(said).not.toContain(SECRET);
    },
  );

  it.each(missing)('$kind without $names refuses and says which', async ({ kind, names }) => {
    const { code, said } = await refusalOf(kind, without(...names));
    expect(code).toBeGreaterThan(0);
    for (const name of names) expect(said).toContain(name);
    for (const name of Object.keys(without(...names)))
      expect(said).not.toMatch(new RegExp(`needs[^.]*${name}`));
  });
});
