import type { MessageBus } from '@troupe/ports';
import { subjects } from '@troupe/protocol';
import type { Subject, SubjectPattern } from '@troupe/protocol';
import { Journal, startNats } from '@troupe/testing';
import type { TestServer } from '@troupe/testing';
import { openNatsBus } from './nats-message-bus';

const room = subjects.roomEvents('room');
const payload = Buffer.from('x');

/** The server sees everything that reaches the wire, so a subscriber to everything is the witness. */
describe('illegal subjects', () => {
  let server: TestServer;
  let bus: MessageBus;
  let journal: Journal;

  beforeAll(async () => {
    server = await startNats();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    journal = new Journal();
    const note = (error: unknown): void => journal.note(String(error));
    bus = await openNatsBus({ url: server.url, name: 'test', onHandlerError: note, onFatal: note });
    bus.subscribe('>' as SubjectPattern, (m) => journal.note(m.subject));
    await bus.flush();
  });
  afterEach(() => bus.close());

  it.each([
    ['with a space', 'a b'],
    ['with a forged command', 'a\r\nPUB x 2'],
    ['with a forged command and its payload', 'a 0\r\n\r\nPUB x 2\r\nhi'],
    ['that are empty', ''],
    ['with an empty token', 'a..b'],
    ['with an empty first token', '.a'],
    ['with an empty last token', 'a.'],
    ['with a tail', 'a.>'],
    ['with a star', 'a.*'],
    ['of 5 kB', 'a'.repeat(5_000)],
  ])('%s are never sent', async (_what, illegal) => {
    const subject = illegal as Subject;
    expect(() => bus.publish(subject, payload)).toThrow(RangeError);
    expect(() => bus.publish(room, payload, { reply: subject })).toThrow(RangeError);
    await expect(bus.request(subject, payload, { timeoutMs: 100 })).rejects.toThrow(RangeError);
    bus.publish(subjects.ownership, payload);
    await journal.has(subjects.ownership);
    expect(journal.entries).toEqual([subjects.ownership]);
    expect(bus.connected).toBe(true);
  });

  it.each(['a b', 'a\r\nSUB > 9', 'a..b', 'a.>.b', ''])('are not subscribed to: %j', async (illegal) => {
    expect(() => bus.subscribe(illegal as SubjectPattern, () => undefined)).toThrow(RangeError);
    await bus.flush();
    expect(bus.connected).toBe(true);
  });

  it('are not smuggled in as the name of a queue', () => {
    expect(() => bus.subscribe(room, () => undefined, { queue: 'q 1\r\nSUB >' })).toThrow(RangeError);
  });
});
