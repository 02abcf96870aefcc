import { randomUUID } from 'node:crypto';
import { BusUnavailable, NoResponders, RequestTimeout } from '@troupe/ports';
import type { BusMessage, MessageBus } from '@troupe/ports';
import { subjects } from '@troupe/protocol';
import { BusInbox, bytes, text } from './bus-inbox';

/** One broker, seen through as many buses as a test wants pods. */
export interface MessageBusHarness {
  open(options?: { onHandlerError?: (error: unknown, subject: string) => void }): Promise<MessageBus>;
  /** Closes what was opened. */
  close(): Promise<void>;
}

export interface BusCapabilities {
  queueGroups: boolean;
}

/** A handler's error that nobody expects fails the test that caused it. */
const unexpected = (error: unknown): never => {
  throw error;
};

/** What every {@link MessageBus} does. `start` may share a broker between tests: each uses subjects of its own. */
export function messageBusContract(
  name: string,
  start: () => Promise<MessageBusHarness>,
  can: BusCapabilities,
): void {
  describe(`message bus: ${name}`, () => {
    let harness: MessageBusHarness;
    let here: MessageBus;
    let there: MessageBus;
    let id: string;

    beforeEach(async () => {
      harness = await start();
      [here, there] = [
        await harness.open({ onHandlerError: unexpected }),
        await harness.open({ onHandlerError: unexpected }),
      ];
      id = randomUUID();
    });
    afterEach(() => harness.close());

    const room = (suffix = '') => subjects.roomEvents(`${id}${suffix}`);
    const one = (n: number) => subjects.unserved(id, n);
    const any = () => subjects.allUnserved(id);

    describe('publishing', () => {
      it('reaches every subscriber, with subject and payload, and no reply where none is wanted', async () => {
        const inboxes = [await BusInbox.on(here, room()), await BusInbox.on(there, room())];
        here.publish(room(), bytes('héllo'));
        for (const inbox of inboxes) {
          expect(await inbox.received(1)).toEqual(['héllo']);
          expect(inbox.messages[0]).toMatchObject({ subject: room(), noResponders: false });
          expect(inbox.messages[0]?.reply).toBeUndefined();
        }
      });

      it('delivers after the call, not inside it', async () => {
        const inbox = await BusInbox.on(here, room());
        here.publish(room(), bytes('later'));
        expect(inbox.texts).toEqual([]);
        await inbox.received(1);
      });

      it('keeps the order of one publisher, over several subjects too', async () => {
        const inbox = await BusInbox.on(there, any());
        const sent = Array.from({ length: 2_000 }, (_, i) => String(i));
        for (const [i, payload] of sent.entries()) here.publish(one(i % 3), bytes(payload));
        expect(await inbox.received(sent.length)).toEqual(sent);
      });

      it('keeps the order of what a handler publishes', async () => {
        const inbox = await BusInbox.on(here, room('-out'));
        there.subscribe(room(), (m) => {
          there.publish(room('-out'), bytes(`${text(m.payload)}a`));
          there.publish(room('-out'), bytes(`${text(m.payload)}b`));
        });
        await there.flush();
        for (const n of ['1', '2']) here.publish(room(), bytes(n));
        expect(await inbox.received(4)).toEqual(['1a', '1b', '2a', '2b']);
      });

      it('carries an empty payload, which alone means nothing', async () => {
        const inbox = await BusInbox.on(there, room());
        here.publish(room(), bytes(''), { reply: room('-reply') });
        await inbox.received(1);
        expect(inbox.messages[0]).toMatchObject({ reply: room('-reply'), noResponders: false });
      });

      it('carries any bytes and large payloads', async () => {
        const inbox = await BusInbox.on(there, room());
        const payload = Buffer.from(Array.from({ length: 200_000 }, (_, i) => (i * 7) % 256));
        here.publish(room(), payload);
        here.publish(room(), bytes('\r\nPUB x 0\r\n\r\n'));
        expect(await inbox.before('\r\nPUB x 0\r\n\r\n')).toHaveLength(1);
        expect(Buffer.compare(inbox.messages[0]!.payload, payload)).toBe(0);
      });

      it('refuses a payload over the limit and sends nothing', async () => {
        const inbox = await BusInbox.on(here, room());
        expect(() => here.publish(room(), Buffer.alloc(1_048_577))).toThrow(RangeError);
        here.publish(room(), bytes('end'));
        expect(await inbox.before('end')).toEqual([]);
      });
    });

    describe('payloads', () => {
      it('are what they were when published, whatever the publisher does with its buffer then', async () => {
        const inboxes = [await BusInbox.on(here, room()), await BusInbox.on(there, room())];
        const buffer = bytes('before');
        here.publish(room(), buffer);
        buffer.fill('x');
        for (const inbox of inboxes) expect(await inbox.received(1)).toEqual(['before']);
      });

      it("are the handler's to keep and to change", async () => {
        const kept = await BusInbox.on(there, room());
        const changed = await BusInbox.on(there, room());
        for (let i = 0; i < 500; i++) here.publish(room(), bytes(`message ${i}`));
        await changed.received(500);
        for (const message of changed.messages) message.payload.fill(0);
        for (let i = 0; i < 500; i++) here.publish(room('-other'), bytes('overwrite'));
        here.publish(room(), bytes('end'));
        expect(await kept.before('end')).toEqual(Array.from({ length: 500 }, (_, i) => `message ${i}`));
      });
    });

    describe('subscribing', () => {
      it('by a pattern gets what matches it and nothing else', async () => {
        const inbox = await BusInbox.on(there, any());
        here.publish(room(), bytes('other kind'));
        here.publish(subjects.unserved(`${id}-x`, 1), bytes('other gateway'));
        here.publish(one(7), bytes('mine'));
        here.publish(one(8), bytes('mine too'));
        expect(await inbox.received(2)).toEqual(['mine', 'mine too']);
        expect(inbox.messages.map((m) => m.subject)).toEqual([one(7), one(8)]);
      });

      it('twice gets everything twice', async () => {
        const inbox = new BusInbox();
        here.subscribe(one(1), inbox.handler);
        here.subscribe(any(), inbox.handler);
        await here.flush();
        here.publish(one(1), bytes('x'));
        expect(await inbox.received(2)).toEqual(['x', 'x']);
      });

      it('gets nothing of what was published before', async () => {
        here.publish(room(), bytes('early'));
        const inbox = await BusInbox.on(here, room());
        here.publish(room(), bytes('late'));
        expect(await inbox.before('late')).toEqual([]);
      });

      it('ends at once, also for what is on its way', async () => {
        const inbox = new BusInbox();
        const subscription = here.subscribe(room(), (message) => {
          inbox.handler(message);
          subscription.unsubscribe();
        });
        const witness = await BusInbox.on(here, room());
        for (const n of ['1', '2', '3']) here.publish(room(), bytes(n));
        await witness.received(3);
        subscription.unsubscribe();
        here.publish(room(), bytes('end'));
        await witness.before('end');
        expect(inbox.texts).toEqual(['1']);
      });

      it('survives a handler that throws, which is told and hurts nobody else', async () => {
        const errors: [string, string][] = [];
        const bus = await harness.open({
          onHandlerError: (error, subject) => errors.push([(error as Error).message, subject]),
        });
        const inbox = new BusInbox();
        bus.subscribe(room(), (message) => {
          inbox.handler(message);
          throw new Error(`bad ${text(message.payload)}`);
        });
        const other = await BusInbox.on(bus, room());
        for (const n of ['1', '2']) here.publish(room(), bytes(n));
        expect(await inbox.received(2)).toEqual(['1', '2']);
        expect(await other.received(2)).toEqual(['1', '2']);
        expect(errors).toEqual([
          ['bad 1', room()],
          ['bad 2', room()],
        ]);
      });
    });

    (can.queueGroups ? describe : describe.skip)('a queue group', () => {
      it('gets each message once, all members some, while others get all', async () => {
        const total = new BusInbox();
        const shares = [here, here, there].map((bus) => {
          const share = new BusInbox();
          const handler = (m: BusMessage) => [share, total].forEach((inbox) => inbox.handler(m));
          bus.subscribe(room(), handler, { queue: 'workers' });
          return share;
        });
        await here.flush();
        const single = await BusInbox.on(there, room());
        const sent = Array.from({ length: 300 }, (_, i) => String(i));
        for (const payload of sent) there.publish(room(), bytes(payload));
        expect(await single.received(300)).toEqual(sent);
        expect([...(await total.received(300))].sort()).toEqual([...sent].sort());
        for (const share of shares) expect(share.messages.length).toBeGreaterThan(0);
        there.publish(room(), bytes('end'));
        await total.received(301);
        expect(total.texts.at(-1)).toBe('end');
      });

      it('goes on with those that are left', async () => {
        const leaving = here.subscribe(room(), () => undefined, { queue: 'workers' });
        const stays = await BusInbox.on(there, room(), { queue: 'workers' });
        leaving.unsubscribe();
        await here.flush();
        for (const n of ['1', '2', '3']) here.publish(room(), bytes(n));
        expect(await stays.received(3)).toEqual(['1', '2', '3']);
      });
    });

    describe('a message that wants a reply', () => {
      it('comes back as noResponders when nobody subscribes', async () => {
        const replies = await BusInbox.on(here, any());
        here.publish(room(), bytes('anyone?'), { reply: one(5) });
        await replies.received(1);
        expect(replies.messages[0]).toMatchObject({ subject: one(5), noResponders: true });
        expect(replies.messages[0]?.payload).toHaveLength(0);
      });

      it('comes back to nobody when it wants no reply, or is received', async () => {
        const replies = await BusInbox.on(here, any());
        const receiver = await BusInbox.on(there, room());
        here.publish(room('-nobody'), bytes('lost'));
        here.publish(room(), bytes('taken'), { reply: one(1) });
        await receiver.received(1);
        here.publish(one(2), bytes('end'));
        expect(await replies.before('end')).toEqual([]);
      });

      it('comes back once the last subscriber has gone', async () => {
        const replies = await BusInbox.on(here, any());
        const subscription = there.subscribe(room(), () => undefined);
        await there.flush();
        subscription.unsubscribe();
        await there.flush();
        here.publish(room(), bytes('anyone?'), { reply: one(1) });
        await replies.received(1);
        expect(replies.messages[0]?.noResponders).toBe(true);
      });
    });

    describe('a request', () => {
      const answer = async (bus: MessageBus, by: (ask: string) => string) => {
        bus.subscribe(room(), (m) => bus.publish(m.reply!, bytes(by(text(m.payload)))));
        await bus.flush();
      };

      it('resolves with the reply, each with its own', async () => {
        await answer(there, (ask) => `${ask}!`);
        const asked = Array.from({ length: 50 }, (_, i) => String(i));
        const replies = asked.map((ask) => here.request(room(), bytes(ask), { timeoutMs: 5_000 }));
        expect((await Promise.all(replies)).map(text)).toEqual(asked.map((ask) => `${ask}!`));
      });

      it('resolves with the first of several replies', async () => {
        there.subscribe(room(), (m) => {
          there.publish(m.reply!, bytes('first'));
          there.publish(m.reply!, bytes('second'));
        });
        await there.flush();
        expect(text(await here.request(room(), bytes('?'), { timeoutMs: 5_000 }))).toBe('first');
      });

      it('resolves with an empty reply', async () => {
        await answer(there, () => '');
        expect(await here.request(room(), bytes('?'), { timeoutMs: 5_000 })).toHaveLength(0);
      });

      it('rejects at once when nobody subscribes', async () => {
        const startMs = performance.now();
        const asked = here.request(room(), bytes('?'), { timeoutMs: 30_000 });
        await expect(asked).rejects.toThrow(NoResponders);
        expect(performance.now() - startMs).toBeLessThan(5_000);
      });

      it('rejects when no reply comes in time', async () => {
        await BusInbox.on(there, room());
        await expect(here.request(room(), bytes('?'), { timeoutMs: 20 })).rejects.toThrow(RequestTimeout);
      });
    });

    describe('closing', () => {
      it('lets what was published arrive', async () => {
        const inbox = await BusInbox.on(there, room());
        for (let i = 0; i < 100; i++) here.publish(room(), bytes(String(i)));
        await here.close();
        expect(await inbox.received(100)).toHaveLength(100);
      });

      it('lets handlers finish what has arrived, their replies included', async () => {
        const replies = await BusInbox.on(there, room('-replies'));
        const arrived = new BusInbox();
        here.subscribe(room(), (m) => {
          arrived.handler(m);
          here.publish(room('-replies'), m.payload);
        });
        await here.flush();
        for (let i = 0; i < 100; i++) there.publish(room(), bytes(String(i)));
        await there.flush();
        await here.close();
        const handled = arrived.texts;
        expect(await replies.received(handled.length)).toEqual(handled);
        expect(handled).toHaveLength(100);
      });

      it('refuses everything afterwards', async () => {
        await here.close();
        expect(here.connected).toBe(false);
        expect(() => here.publish(room(), bytes('x'))).toThrow(BusUnavailable);
        expect(() => here.subscribe(room(), () => undefined)).toThrow(BusUnavailable);
        await expect(here.request(room(), bytes('x'), { timeoutMs: 1_000 })).rejects.toThrow(BusUnavailable);
        await expect(here.flush()).rejects.toThrow(BusUnavailable);
      });

      it('is told to listeners, and may be asked for twice', async () => {
        const changes: boolean[] = [];
        const gone: boolean[] = [];
        here.onConnection((connected) => changes.push(connected));
        here.onConnection((connected) => gone.push(connected))();
        expect(here.connected).toBe(true);
        await Promise.all([here.close(), here.close()]);
        await here.close();
        expect(changes).toEqual([false]);
        expect(gone).toEqual([]);
      });

      it('takes its subscriptions with it and leaves the others', async () => {
        await BusInbox.on(here, room());
        const other = await BusInbox.on(there, room('-other'));
        await here.close();
        await expect(there.request(room(), bytes('?'), { timeoutMs: 5_000 })).rejects.toThrow(NoResponders);
        there.publish(room('-other'), bytes('still here'));
        expect(await other.received(1)).toEqual(['still here']);
      });
    });

    it('flushes: what was published before has passed the broker', async () => {
      const inbox = await BusInbox.on(there, room());
      here.publish(room(), bytes('sent'));
      await here.flush();
      // Whatever `there` publishes from now on comes after it.
      there.publish(room(), bytes('end'));
      expect(await inbox.before('end')).toEqual(['sent']);
    });
  });
}
