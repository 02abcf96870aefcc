import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { BusUnavailable, RequestTimeout } from '@troupe/ports';
import type { MessageBus } from '@troupe/ports';
import { subjects } from '@troupe/protocol';
import { freePort, Journal, startNats, StoppableLine } from '@troupe/testing';
import type { TestServer } from '@troupe/testing';
import type { NatsBusEvent, NatsBusOptions } from './nats-bus.options';
import { openNatsBus } from './nats-message-bus';

jest.setTimeout(30_000);

const room = subjects.roomEvents('room');
const bytes = (value: string): Buffer => Buffer.from(value);

describe('the bus over a NATS server', () => {
  const buses: MessageBus[] = [];
  let server: TestServer;
  let journal: Journal;

  beforeEach(async () => {
    journal = new Journal();
    server = await startNats();
  });
  afterEach(async () => {
    // A suspended server would keep a closing bus until its deadline.
    await server.kill('SIGCONT').catch(() => undefined);
    await Promise.all(buses.splice(0).map((bus) => bus.close()));
    await server.stop();
  });

  const options = (more: Partial<NatsBusOptions> = {}): NatsBusOptions => ({
    url: server.url,
    name: 'test',
    onHandlerError: (error) => journal.note(`handler error ${String(error)}`),
    onFatal: (error) => journal.note(`fatal ${error.message}`),
    onEvent: (event: NatsBusEvent) => journal.note(event.event),
    ...more,
  });
  const open = async (more?: Partial<NatsBusOptions>): Promise<MessageBus> => {
    const bus = await openNatsBus(options(more));
    buses.push(bus);
    bus.onConnection((connected) => journal.note(connected ? 'up' : 'down'));
    return bus;
  };

  describe('that restarts', () => {
    it('refuses to send while it is down, and gets what is sent once it is back', async () => {
      const [sender, receiver] = [await open(), await open({ onEvent: () => undefined })];
      receiver.subscribe(room, (m) => journal.note(`got ${Buffer.from(m.payload).toString()}`));
      receiver.onConnection((connected) => journal.note(`receiver ${connected ? 'up' : 'down'}`));
      await receiver.flush();

      await server.kill('SIGKILL');
      await journal.has('down');
      expect(sender.connected).toBe(false);
      expect(() => sender.publish(room, bytes('lost'))).toThrow(BusUnavailable);
      await expect(sender.request(room, bytes('lost'), { timeoutMs: 9_999 })).rejects.toThrow(BusUnavailable);
      await expect(sender.flush()).rejects.toThrow(BusUnavailable);

      await server.restart();
      const backMs = performance.now();
      await journal.until(() => sender.connected && receiver.connected);
      sender.publish(room, bytes('after'));
      await journal.has('got after');
      expect(performance.now() - backMs).toBeLessThan(5_000);
      expect(journal.entries).not.toContain('got lost');
      expect(journal.entries).not.toContain('fatal');
    });

    it('has the subscriptions again before listeners hear that it is back', async () => {
      const bus = await open();
      bus.subscribe(room, (m) => journal.note(`got ${Buffer.from(m.payload).toString()}`));
      bus.onConnection((connected) => {
        // Whoever hears `true` may count on it: nobody listening would come back as no responders.
        if (connected) bus.publish(room, bytes('first'), { reply: subjects.unserved('g', 1) });
      });
      bus.subscribe(subjects.allUnserved('g'), (m) => journal.note(`unserved ${m.noResponders}`));
      await server.restart();
      await journal.has('got first');
      expect(journal.entries.filter((e) => e === 'up' || e === 'down')).toEqual(['down', 'up']);
      expect(journal.entries).not.toContain('unserved true');
    });

    it('keeps what was subscribed and unsubscribed meanwhile as it was asked for', async () => {
      const bus = await open();
      const before = bus.subscribe(room, () => journal.note('unsubscribed got it'));
      await server.kill('SIGKILL');
      await journal.has('down');
      before.unsubscribe();
      bus.subscribe(room, () => journal.note('subscribed got it'));
      const both = bus.subscribe(room, () => journal.note('both got it'));
      both.unsubscribe();
      await server.restart();
      await journal.has('up');
      bus.publish(room, bytes('x'));
      await journal.has('subscribed got it');
      await bus.flush();
      expect(journal.entries.filter((e) => e.endsWith('got it'))).toEqual(['subscribed got it']);
    });

    it('ends requests under way as of unknown outcome, at once', async () => {
      const bus = await open();
      bus.subscribe(room, () => journal.note('asked'));
      const reply = bus.request(room, bytes('?'), { timeoutMs: 60_000 });
      const outcome = expect(reply).rejects.toThrow(RequestTimeout);
      await journal.has('asked');
      await server.kill('SIGKILL');
      await outcome;
    });

    it('is found again after several restarts in a row', async () => {
      const bus = await open();
      bus.subscribe(room, () => journal.note('got'));
      for (let round = 1; round <= 3; round++) {
        await server.restart();
        await journal.until(() => journal.entries.filter((e) => e === 'up').length === round);
        bus.publish(room, bytes('x'));
        await journal.until(() => journal.entries.filter((e) => e === 'got').length === round);
      }
    });
  });

  describe('that stops reading', () => {
    const quick = { pingIntervalMs: 300, attemptMs: 300 };

    it('makes publish refuse at the bound, and is left and found again', async () => {
      const bus = await open({ ...quick, pendingBytesMax: 16_777_216 });
      bus.subscribe(room, (m) => journal.note(`got ${m.payload.length}`));
      await bus.flush();
      await server.kill('SIGSTOP');
      const payload = Buffer.alloc(65_536);
      let sent = 0;
      expect(() => {
        while (sent < 1_000) {
          bus.publish(room, payload);
          sent++;
        }
      }).toThrow(BusUnavailable);
      // More than the kernel takes off our hands, so some of it waits in this process until the socket is destroyed.
      expect(sent).toBe(255);
      // The socket never takes what is left; the connection ends all the same, after two pings without an answer.
      await journal.has('down');
      // Attempts time out meanwhile, because a suspended server greets nobody.
      await journal.has('waiting');
      await server.kill('SIGCONT');
      await journal.has('up');
      bus.publish(room, bytes('back'));
      await journal.has('got 4');
    });

    it('does not collect connections while it is suspended', async () => {
      const sockets = (): number =>
        process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length;
      await open(quick);
      const before = sockets();
      await server.kill('SIGSTOP');
      await journal.until(() => journal.entries.filter((e) => e === 'waiting').length >= 3);
      await server.kill('SIGCONT');
      await journal.has('up');
      // Attempts that timed out have closed their sockets.
      expect(sockets()).toBeLessThanOrEqual(before);
    });
  });

  describe('that is not there yet', () => {
    it('is waited for, and that is said', async () => {
      const url = server.url;
      await server.kill('SIGKILL');
      const opening = openNatsBus(options({ url }));
      await journal.has('waiting');
      await server.restart();
      const bus = await opening;
      buses.push(bus);
      expect(bus.connected).toBe(true);
    });

    it('is waited for until the deadline, where there is one', async () => {
      const url = `nats://127.0.0.1:${await freePort()}`;
      await expect(openNatsBus(options({ url, firstConnectMs: 500 }))).rejects.toThrow(
        /no NATS server within 500 ms; 127\.0\.0\.1:\d+: .*ECONNREFUSED/,
      );
    });

    it('is passed over when another of the list is', async () => {
      const url = `nats://127.0.0.1:${await freePort()},${server.url}`;
      expect((await open({ url })).connected).toBe(true);
    });
  });

  describe('that cuts off a slow reader', () => {
    it('shows as a lost connection, never as a silent loss', async () => {
      const strict = await startNats({ config: 'max_pending: 1MB\nwrite_deadline: "1s"' });
      const line = await StoppableLine.to(strict.port);
      try {
        const writer = await open({ url: strict.url, onEvent: () => undefined });
        const reader = await open({ url: `nats://127.0.0.1:${line.listens}` });
        let got = 0;
        reader.subscribe(room, (m) => {
          if (m.payload.length > 1) got++;
          else journal.note('end');
        });
        await reader.flush();
        line.stopReading();
        const sent = 60;
        for (let i = 0; i < sent; i++) {
          writer.publish(room, Buffer.alloc(500_000));
          await writer.flush();
        }
        expect(strict.log()).toMatch(/Slow Consumer Detected/);
        expect(journal.entries).toEqual(['connected']);
        line.readAgain();
        await journal.has('up');
        expect(journal.entries).toEqual(['connected', 'disconnected', 'down', 'connected', 'up']);
        expect(got).toBeLessThan(sent);
        writer.publish(room, bytes('.'));
        await journal.has('end');
      } finally {
        await Promise.all(buses.splice(0).map((bus) => bus.close()));
        await line.close();
        await strict.stop();
      }
    });
  });

  describe('with permissions', () => {
    it('that turns us away at the start says so', async () => {
      const guarded = await startNats({ config: 'authorization { user: "troupe", password: "right" }' });
      try {
        const url = (password: string) => guarded.url.replace('nats://', `nats://troupe:${password}@`);
        const opening = openNatsBus(options({ url: url('wrong') }));
        await expect(opening).rejects.toThrow(/^rejected by 127\.0\.0\.1:\d+: 'Authorization Violation'$/);
        const bus = await open({ url: url('right') });
        expect(bus.connected).toBe(true);
      } finally {
        await Promise.all(buses.splice(0).map((bus) => bus.close()));
        await guarded.stop();
      }
    });

    it('that refuses a subject says so', async () => {
      const permissions = '{ publish: { deny: "troupe.v1.>" } }';
      const guarded = await startNats({
        config: `authorization { users: [{ user: "troupe", password: "pw", permissions: ${permissions} }] }`,
      });
      try {
        const reasons: string[] = [];
        const bus = await open({
          url: guarded.url.replace('nats://', 'nats://troupe:pw@'),
          onEvent: (event) => {
            if (event.event === 'refused') reasons.push(event.reason);
            journal.note(event.event);
          },
        });
        bus.publish(room, bytes('x'));
        await journal.has('refused');
        expect(reasons[0]).toMatch(/PERMISSIONS_VIOLATION.*publish troupe\.v1\.rooms\.room\.events/i);
        expect(bus.connected).toBe(true);
      } finally {
        await Promise.all(buses.splice(0).map((bus) => bus.close()));
        await guarded.stop();
      }
    });
  });

  describe('that answers nothing while the bus closes', () => {
    it('is left at the deadline', async () => {
      const bus = await open({ closeDeadlineMs: 200 });
      await server.kill('SIGSTOP');
      const startMs = performance.now();
      await bus.close();
      expect(performance.now() - startMs).toBeLessThan(3_000);
      expect(bus.connected).toBe(false);
    });
  });

  describe('whose port another program has', () => {
    let stranger: Server;
    const sockets: Socket[] = [];
    afterEach(() => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => stranger.close(resolve));
    });

    it('is waited for', async () => {
      stranger = createServer((socket) => {
        sockets.push(socket);
        socket.write('220 mail.example ESMTP\r\n');
      });
      await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve));
      const url = `nats://127.0.0.1:${(stranger.address() as AddressInfo).port}`;
      await expect(openNatsBus(options({ url, firstConnectMs: 300, attemptMs: 500 }))).rejects.toThrow(
        /no NATS server within 300 ms/,
      );
    });
  });
});
