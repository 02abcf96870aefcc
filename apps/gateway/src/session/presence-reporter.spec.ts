import { MemoryBusHub, MemoryMessageBus } from '@troupe/adapters-memory';
import { PresenceUnavailable } from '@troupe/ports';
import { SESSION_CHANGES_MAX, type SessionsMessage, parseSessionsMessage, subjects } from '@troupe/protocol';
import { SimClock } from '@troupe/testing';
import { PresenceReporter } from './presence-reporter';

const RENEW_MS = 5_000;

function setUp(options: ConstructorParameters<typeof MemoryBusHub>[0] = {}) {
  const clock = new SimClock();
  const hub = new MemoryBusHub(options);
  const onHandlerError = (error: unknown): void => {
    throw error;
  };
  const bus = new MemoryMessageBus({ hub, clock, onHandlerError });
  const presence = new MemoryMessageBus({ hub, clock, onHandlerError });
  const told: SessionsMessage[] = [];
  presence.subscribe(subjects.sessions, ({ payload }) => {
    const message = parseSessionsMessage(JSON.parse(Buffer.from(payload).toString()));
    if (!message) throw new Error('presence would not understand it');
    told.push(message);
  });
  const reporter = new PresenceReporter('g1', bus, clock, RENEW_MS);
  reporter.start();
  const want = (): void => presence.publish(subjects.sessionsWanted('g1'), Buffer.alloc(0));
  return { clock, bus, presence, told, reporter, want };
}

const opened = (user: string, session: string) => ({ user, session, change: 'opened' });
const closed = (user: string, session: string) => ({ user, session, change: 'closed' });

describe('reporting presence', () => {
  it('tells all changes of a turn in one batch, and numbers batches without holes', async () => {
    const { clock, told, reporter } = setUp();
    reporter.opened('alice', 's1');
    reporter.opened('bob', 's2');
    await clock.settle();
    reporter.closed('alice', 's1');
    await clock.settle();
    expect(told).toEqual([
      { t: 'changes', gateway: 'g1', seq: 1, changes: [opened('alice', 's1'), opened('bob', 's2')] },
      { t: 'changes', gateway: 'g1', seq: 2, changes: [closed('alice', 's1')] },
    ]);
  });

  it('tells of a session’s end once, and not of one that never opened', async () => {
    const { clock, told, reporter } = setUp();
    reporter.opened('alice', 's1');
    reporter.closed('alice', 's1');
    reporter.closed('alice', 's1');
    reporter.closed('alice', 's9');
    await clock.settle();
    expect(told).toMatchObject([{ changes: [opened('alice', 's1'), closed('alice', 's1')] }]);
  });

  it('cuts a crowd into batches that presence takes, with consecutive numbers', async () => {
    const { clock, told, reporter } = setUp();
    const count = SESSION_CHANGES_MAX * 2 + 1;
    for (let i = 0; i < count; i++) reporter.opened(`u${i}`, `s${i}`);
    await clock.settle();
    expect(told.map((m) => (m.t === 'changes' ? [m.seq, m.changes.length] : m))).toEqual([
      [1, SESSION_CHANGES_MAX],
      [2, SESSION_CHANGES_MAX],
      [3, 1],
    ]);
  });

  it('renews its lease with the number of the last batch', async () => {
    const { clock, told, reporter } = setUp();
    await clock.run(RENEW_MS);
    reporter.opened('alice', 's1');
    await clock.run(RENEW_MS);
    expect(told.filter((m) => m.t === 'alive')).toEqual([
      { t: 'alive', gateway: 'g1', seq: 0 },
      { t: 'alive', gateway: 'g1', seq: 1 },
    ]);
  });

  it('restores all open sessions when it is asked, as they are after the batches so far', async () => {
    const { clock, told, reporter, want } = setUp();
    reporter.opened('alice', 's1');
    reporter.opened('alice', 's2');
    await clock.settle();
    reporter.closed('alice', 's1');
    want();
    await clock.settle();
    expect(told.slice(-1)).toEqual([
      { t: 'restore', gateway: 'g1', seq: 2, part: 0, parts: 1, sessions: [['alice', 's2']] },
    ]);
  });

  it('tells what is still unsaid before the restore that covers it', async () => {
    const { clock, told, reporter, presence, want } = setUp();
    want();
    // In the same turn as the question comes in, before that turn ends.
    presence.subscribe(subjects.sessionsWanted('g1'), () => undefined);
    reporter.opened('alice', 's1');
    await clock.settle();
    const seqs = told.map((m) => [m.t, m.seq]);
    expect(seqs).toEqual([
      ['changes', 1],
      ['restore', 1],
    ]);
  });

  it('answers several who ask at once with one restore, and who asks later with another', async () => {
    const { clock, told, want } = setUp();
    want();
    want();
    await clock.settle();
    await clock.run(1_000);
    want();
    await clock.settle();
    expect(told.filter((m) => m.t === 'restore')).toHaveLength(2);
  });

  it('is heard at once after a reconnect, with the number that shows what was lost', async () => {
    const { clock, told, bus, reporter } = setUp();
    reporter.opened('alice', 's1');
    await clock.settle();
    bus.cut();
    reporter.opened('bob', 's2');
    await clock.settle();
    bus.heal();
    await clock.settle();
    expect(told.slice(-1)).toEqual([{ t: 'alive', gateway: 'g1', seq: 2 }]);
    reporter.opened('carol', 's3');
    await clock.settle();
    expect(told.slice(-1)).toMatchObject([{ t: 'changes', seq: 3 }]);
  });

  it('lives through a bus that takes nothing', async () => {
    const { clock, told, reporter } = setUp({ messagesMax: 0 });
    reporter.opened('alice', 's1');
    await clock.run(RENEW_MS * 3);
    reporter.stop();
    expect(told).toEqual([]);
  });

  it('closes everything when it stops, and is silent then', async () => {
    const { clock, told, reporter, want } = setUp();
    reporter.opened('alice', 's1');
    reporter.opened('bob', 's2');
    await clock.settle();
    reporter.stop();
    want();
    await clock.run(RENEW_MS * 3);
    expect(told.slice(1)).toMatchObject([
      { t: 'changes', seq: 2, changes: [closed('alice', 's1'), closed('bob', 's2')] },
    ]);
  });

  describe('asking who is online', () => {
    const record = { user: 'bob', status: 'offline', lastSeen: null, sessions: 0 };

    it('gives what presence answers', async () => {
      const { presence, reporter } = setUp();
      presence.subscribe(subjects.presenceQuery, ({ payload, reply }) => {
        expect(JSON.parse(Buffer.from(payload).toString())).toEqual({ users: ['bob'] });
        if (reply) presence.publish(reply, Buffer.from(JSON.stringify({ users: [record] })));
      });
      expect(await reporter.query(['bob'])).toEqual([record]);
    });

    it('rejects with the code that presence answers', async () => {
      const { presence, reporter } = setUp();
      presence.subscribe(subjects.presenceQuery, ({ reply }) => {
        if (reply) presence.publish(reply, Buffer.from('{"error":"unavailable"}'));
      });
      await expect(reporter.query(['bob'])).rejects.toMatchObject({ code: 'unavailable' });
    });

    it('rejects with PresenceUnavailable when nobody is there, nobody answers, or the bus is away', async () => {
      const { clock, bus, presence, reporter } = setUp();
      await expect(reporter.query(['bob'])).rejects.toBeInstanceOf(PresenceUnavailable);
      presence.subscribe(subjects.presenceQuery, () => undefined);
      const silent = expect(reporter.query(['bob'])).rejects.toBeInstanceOf(PresenceUnavailable);
      await clock.run(2_000);
      await silent;
      bus.cut();
      await expect(reporter.query(['bob'])).rejects.toBeInstanceOf(PresenceUnavailable);
    });
  });
});
