import {
  decodePresenceNotice,
  decodePresenceReply,
  encodePresenceNotice,
  encodePresenceQuery,
  encodeSessionsMessage,
  parsePresenceQuery,
  parseSessionsMessage,
  restoreMessages,
  RESTORE_PART_SESSIONS_MAX,
  SESSION_CHANGES_MAX,
  type SessionsMessage,
} from './presence-events';

const parsed = (bytes: Buffer): unknown => JSON.parse(bytes.toString());
const LONGEST = 'x'.repeat(64);
/** What a NATS server takes by default. */
const PAYLOAD_MAX = 1_048_576;

describe('messages about sessions', () => {
  const change = { user: 'alice', session: 's1', change: 'opened' } as const;
  const messages: SessionsMessage[] = [
    { t: 'changes', gateway: 'g1', seq: 1, changes: [change] },
    { t: 'alive', gateway: 'g1', seq: 0 },
    { t: 'restore', gateway: 'g1', seq: 3, part: 1, parts: 2, sessions: [['alice', 's1']] },
  ];

  it.each(messages)('come through as they were: $t', (message) => {
    expect(parseSessionsMessage(parsed(encodeSessionsMessage(message)))).toEqual(message);
  });

  it.each([
    undefined,
    null,
    [],
    {},
    { t: 'changes', gateway: 'g1', seq: 0, changes: [change] },
    { t: 'changes', gateway: 'g1', seq: 1, changes: [] },
    { t: 'changes', gateway: 'g1', seq: 1.5, changes: [change] },
    { t: 'changes', gateway: 'g.1', seq: 1, changes: [change] },
    { t: 'changes', gateway: 'g1', seq: 1, changes: [{ ...change, user: 'a\r\nb' }] },
    { t: 'changes', gateway: 'g1', seq: 1, changes: [{ ...change, session: '*' }] },
    { t: 'changes', gateway: 'g1', seq: 1, changes: Array(SESSION_CHANGES_MAX + 1).fill(change) },
    { t: 'alive', gateway: 'g1' },
    { t: 'alive', gateway: 'g1', seq: 0, more: true },
    { t: 'restore', gateway: 'g1', seq: 3, part: 2, parts: 2, sessions: [] },
    { t: 'restore', gateway: 'g1', seq: 3, part: 0, parts: 1, sessions: [['alice']] },
    { t: '__proto__', gateway: 'g1', seq: 3 },
  ])('are refused when they are none: %j', (value) => {
    expect(parseSessionsMessage(value)).toBeNull();
  });

  it('fit into what the bus takes, at their largest', () => {
    const changes = Array.from({ length: SESSION_CHANGES_MAX }, () => ({
      user: LONGEST,
      session: LONGEST,
      change: 'opened' as const,
    }));
    const batch = encodeSessionsMessage({ t: 'changes', gateway: LONGEST, seq: 2 ** 53 - 1, changes });
    expect(batch.length).toBeLessThan(PAYLOAD_MAX / 4);
    const sessions = Array.from({ length: RESTORE_PART_SESSIONS_MAX }, () => [LONGEST, LONGEST] as const);
    const [part] = restoreMessages(LONGEST, 2 ** 53 - 1, sessions);
    expect(part && encodeSessionsMessage(part).length).toBeLessThan(PAYLOAD_MAX / 4);
  });

  it.each([0, 1, RESTORE_PART_SESSIONS_MAX, RESTORE_PART_SESSIONS_MAX + 1, 2_500])(
    'of a restore hold each of %i sessions once, and are at least one',
    (count) => {
      const sessions = Array.from({ length: count }, (_, i) => [`u${i}`, `s${i}`] as const);
      const parts = restoreMessages('g1', 7, sessions);
      expect(parts.flatMap((p) => p.sessions)).toEqual(sessions);
      expect(parts.map((p) => [p.part, p.parts])).toEqual(parts.map((_, i) => [i, parts.length]));
      expect(parts.length).toBeGreaterThan(0);
      for (const part of parts) expect(parseSessionsMessage(part)).toEqual(part);
    },
  );
});

describe('presence as it is told and asked for', () => {
  it('is told without the number of sessions, as the contract has it', () => {
    const record = {
      user: 'alice',
      status: 'online',
      lastSeen: '2030-01-01T00:00:00.000Z',
      sessions: 2,
    } as const;
    expect(encodePresenceNotice(record).toString()).toBe(
      '{"user":"alice","status":"online","lastSeen":"2030-01-01T00:00:00.000Z"}',
    );
    const { sessions: _, ...notice } = record;
    expect(decodePresenceNotice(encodePresenceNotice(record))).toEqual(notice);
    expect(decodePresenceNotice(Buffer.from('{bad'))).toBeNull();
  });

  it('is asked for at most 200 users', () => {
    const query = { users: Array.from({ length: 200 }, (_, i) => `u${i}`) };
    expect(parsePresenceQuery(parsed(encodePresenceQuery(query)))).toEqual(query);
    expect(parsePresenceQuery({ users: [...query.users, 'u'] })).toBeNull();
    expect(parsePresenceQuery({ users: ['a b'] })).toBeNull();
    expect(parsePresenceQuery('alice')).toBeNull();
  });

  it('is answered with records or a code; anything else is internal', () => {
    const reply = { users: [{ user: 'bob', status: 'offline', lastSeen: null, sessions: 0 }] };
    expect(decodePresenceReply(Buffer.from(JSON.stringify(reply)))).toEqual(reply);
    expect(decodePresenceReply(Buffer.from('{"error":"unavailable"}'))).toEqual({ error: 'unavailable' });
    for (const odd of ['', '{bad', '{}', '{"error":"ENOTFOUND db-1"}', '{"users":[{}]}']) {
      expect(decodePresenceReply(Buffer.from(odd))).toEqual({ error: 'internal' });
    }
  });
});
