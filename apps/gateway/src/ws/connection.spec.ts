import { parseSettings } from '@troupe/config';
import type { ErrorCode } from '@troupe/protocol';
import { SimClock } from '@troupe/testing';
import { upgraded } from '../testing/test-upgrade';
import { BINARY, CLOSE, PING, PONG, TEXT, clientFrame } from '../testing/wire';
import type { TestSocket } from '../testing/test-socket';
import { Connection } from './connection';
import { connectionSettings } from './connection.settings';
import { listenTo } from './socket-events';
import { TurnFlush } from './turn-flush';

const settings = parseSettings({});
const limits = connectionSettings(settings);
const SECOND = 1_000;
const OPEN: TestSocket[] = [];

/** A connection on a socket of the test, at the service's own settings. */
function connectionOf(changes: Partial<typeof limits> = {}, headers: Record<string, string> = {}) {
  const clock = new SimClock();
  const { webSocket, socket, request } = upgraded(headers);
  OPEN.push(socket);
  const texts: string[] = [];
  const rejected: ErrorCode[] = [];
  const closed = jest.fn();
  const drained = jest.fn();
  const connection = new Connection(
    { webSocket, socket, request, no: 1, nowMs: clock.nowMs() },
    { ...limits, ...changes },
    {
      frame: (_connection, text) => void texts.push(text),
      drained,
      closed,
      rejected: (code) => void rejected.push(code),
    },
    new TurnFlush(clock),
  );
  listenTo(webSocket, socket, connection, () => clock.nowMs());
  let wallMs = 0;
  return {
    clock,
    socket,
    connection,
    texts,
    rejected,
    closed,
    drained,
    say: async (opcode: number, payload: string | Buffer = '') => {
      socket.deliver(clientFrame(opcode, Buffer.from(payload)));
      await clock.settle();
    },
    /** Lets seconds pass as the gateway does: a look at the deadlines each second. */
    pass: async (seconds: number) => {
      for (let i = 0; i < seconds && !socket.destroyed; i++) {
        await clock.run(SECOND);
        connection.tick(clock.nowMs(), (wallMs += SECOND));
        await clock.settle();
      }
    },
    opcodes: () => socket.frames.map(({ opcode }) => opcode),
    errors: () =>
      socket.frames
        .filter(({ opcode }) => opcode === TEXT)
        .map(({ payload }) => (JSON.parse(payload.toString()) as { code: string }).code),
    closeCode: () => {
      const [close, ...others] = socket.frames.filter(({ opcode }) => opcode === CLOSE);
      expect(others).toEqual([]);
      return close?.payload.readUInt16BE(0);
    },
  };
}

afterEach(() => {
  for (const socket of OPEN.splice(0)) socket.destroy();
});

describe('a connection', () => {
  it('hands on text frames, in order', async () => {
    const c = connectionOf();
    await c.say(TEXT, 'one');
    await c.say(TEXT, 'two');
    expect(c.texts).toEqual(['one', 'two']);
  });

  it('knows the bearer token of its upgrade, and no other scheme', () => {
    const tokenOf = (authorization: string): string | null =>
      connectionOf({}, { authorization }).connection.upgradeToken;
    expect(tokenOf('Bearer abc.def')).toBe('abc.def');
    expect(tokenOf('bearer  abc')).toBe('abc');
    expect(tokenOf('Basic abc')).toBeNull();
    expect(tokenOf('Bearer a b')).toBeNull();
    expect(connectionOf().connection.upgradeToken).toBeNull();
  });

  it('tells once that it is over, also when it is closed twice and then gone', async () => {
    const c = connectionOf();
    c.connection.bye(1_000);
    c.connection.close(1012, 'restart');
    c.connection.gone();
    await c.clock.settle();
    expect(c.closed).toHaveBeenCalledTimes(1);
    expect(c.closeCode()).toBe(1012);
  });

  it('looks at nothing that comes after it has closed', async () => {
    const c = connectionOf();
    c.connection.close(1012, 'restart');
    await c.say(TEXT, 'late');
    await c.say(PING, 'late');
    expect(c.texts).toEqual([]);
    expect(c.opcodes()).toEqual([CLOSE]);
  });

  it('asks to come back later before it closes, with whole milliseconds', async () => {
    const c = connectionOf();
    c.connection.bye(1_234.5);
    await c.clock.settle();
    const [bye] = c.socket.frames;
    expect(JSON.parse(String(bye?.payload))).toEqual({ type: 'bye', reason: 'restart', retryAfterMs: 1235 });
    expect(c.opcodes()).toEqual([TEXT, CLOSE]);
  });

  it('writes nothing after its close frame, whatever its rooms still give it', async () => {
    const c = connectionOf();
    const { outlet } = c.connection;
    // What fan-out does when a session ends in a turn in which its rooms have something.
    c.closed.mockImplementation(() => outlet.write(Buffer.from([0x81, 0x01, 0x6d])));
    c.connection.bye(1_000);
    outlet.write(Buffer.from([0x81, 0x01, 0x6e]));
    await c.clock.settle();
    expect(c.opcodes()).toEqual([TEXT, TEXT, CLOSE]);
    expect(c.socket.frames[1]?.payload.toString()).toBe('m');
  });

  describe('without a hello', () => {
    it('is closed with 4028 when the time is over, not before', async () => {
      const c = connectionOf();
      await c.pass(4);
      expect(c.closeCode()).toBeUndefined();
      await c.pass(1);
      expect(c.closeCode()).toBe(4028);
    });

    it('is left alone while its hello is worked on, and after', async () => {
      const c = connectionOf();
      c.connection.state = 'opening';
      await c.pass(10);
      c.connection.state = 'open';
      await c.pass(10);
      expect(c.closeCode()).toBeUndefined();
    });
  });

  describe('with bad frames', () => {
    const count = (c: ReturnType<typeof connectionOf>): void => {
      c.connection.countBadFrame(c.clock.nowMs());
    };

    it('is closed with 4500 at the fifth within a minute', async () => {
      const c = connectionOf();
      for (let i = 0; i < 4; i++) {
        count(c);
        await c.clock.run(14 * SECOND);
      }
      expect(c.connection.state).toBe('new');
      count(c);
      await c.clock.settle();
      expect(c.closeCode()).toBe(4500);
    });

    it('goes on when they are spread over more than a minute', async () => {
      const c = connectionOf();
      for (let i = 0; i < 20; i++) {
        count(c);
        await c.clock.run(15_100);
      }
      expect(c.connection.state).toBe('new');
    });

    it('is closed for five within a minute wherever that minute begins', async () => {
      const c = connectionOf();
      count(c);
      await c.clock.run(58 * SECOND);
      for (let i = 0; i < 3; i++) count(c);
      await c.clock.run(4 * SECOND);
      count(c);
      expect(c.connection.state).toBe('new');
      count(c);
      await c.clock.settle();
      expect(c.closeCode()).toBe(4500);
    });
  });

  describe('that floods', () => {
    const changes = { framesPerSecond: 10, framesBurst: 20 };

    it.each([
      ['text frames', TEXT],
      ['pings', PING],
      ['pongs', PONG],
    ])('with %s is answered rate_limited and closed with 4029', async (_name, opcode) => {
      const c = connectionOf(changes);
      for (let i = 0; i < 20; i++) await c.say(opcode, 'x');
      expect(c.closeCode()).toBeUndefined();
      await c.say(opcode, 'x');
      expect(c.closeCode()).toBe(4029);
      expect(c.rejected).toEqual(['rate_limited']);
      expect(c.texts.length).toBe(opcode === TEXT ? 20 : 0);
    });

    it('within its rate goes on', async () => {
      const c = connectionOf(changes);
      for (let i = 0; i < 100; i++) {
        await c.say(TEXT, 'x');
        await c.clock.run(100);
      }
      expect(c.texts.length).toBe(100);
      expect(c.connection.state).toBe('new');
    });
  });

  it('says how long to wait for the next message', () => {
    const { connection } = connectionOf({ messagesPerSecond: 10, messagesBurst: 2 });
    expect([0, 0, 0].map((now) => connection.messageWaitMs(now))).toEqual([0, 0, 100]);
    expect(connection.messageWaitMs(100)).toBe(0);
  });

  it('is closed with 1003 for a binary frame', async () => {
    const c = connectionOf();
    await c.say(BINARY, '{"type":"ping"}');
    expect(c.errors()).toEqual(['bad_frame']);
    expect(c.closeCode()).toBe(1003);
    expect(c.texts).toEqual([]);
  });

  it('is closed with 4501 when its token ends', async () => {
    const c = connectionOf();
    c.connection.state = 'open';
    c.connection.principal = { id: 'alice', kind: 'user', scopes: new Set(), expiresAtMs: 3 * SECOND };
    await c.pass(2);
    expect(c.closeCode()).toBeUndefined();
    await c.pass(1);
    expect(c.errors()).toEqual(['unauthenticated']);
    expect(c.closeCode()).toBe(4501);
  });

  describe('that is silent', () => {
    it('is pinged once, and dropped without a close frame if it stays silent', async () => {
      const c = connectionOf();
      c.connection.state = 'open';
      await c.pass(24);
      expect(c.opcodes()).toEqual([]);
      await c.pass(1);
      expect(c.opcodes()).toEqual([PING]);
      await c.pass(7);
      expect(c.closed).not.toHaveBeenCalled();
      await c.pass(1);
      expect(c.closed).toHaveBeenCalledTimes(1);
      expect(c.opcodes()).toEqual([PING]);
      expect(c.socket.destroyed).toBe(true);
    });

    it.each([
      ['a pong', PONG],
      ['a ping', PING],
      ['a text frame', TEXT],
    ])('and then sends %s has its whole time again', async (_name, opcode) => {
      const c = connectionOf();
      c.connection.state = 'open';
      for (let i = 0; i < 4; i++) {
        await c.pass(30);
        await c.say(opcode);
      }
      expect(c.closed).not.toHaveBeenCalled();
      expect(c.opcodes().filter((o) => o === PING)).toHaveLength(4);
    });
  });

  describe('that does not read', () => {
    const slowClose = settings.slowCloseMs / SECOND;
    const stuck = async () => {
      const c = connectionOf();
      c.connection.state = 'open';
      c.socket.hold();
      c.connection.send({ type: 'pong', at: '' });
      await c.pass(1);
      return c;
    };

    it('has SLOW_CLOSE_MS rather than a heartbeat, and is then closed with 4008', async () => {
      const c = await stuck();
      await c.pass(slowClose - 1);
      expect(c.closed).not.toHaveBeenCalled();
      await c.pass(1);
      expect(c.closed).toHaveBeenCalledTimes(1);
      c.socket.release();
      await c.clock.settle();
      expect(c.closeCode()).toBe(4008);
    });

    it('is not closed as long as it takes a little', async () => {
      const c = await stuck();
      for (let i = 0; i < 10; i++) {
        c.connection.send({ type: 'pong', at: '' });
        await c.pass(slowClose - 10);
        c.socket.takeOne();
        await c.clock.settle();
        expect(c.connection.outlet.unsentBytes).toBeGreaterThan(0);
      }
      expect(c.closed).not.toHaveBeenCalled();
    });

    it('is closed although it sends pings, which are answered behind all the rest', async () => {
      const c = await stuck();
      for (let i = 0; i < slowClose; i++) {
        await c.say(PING, 'x');
        await c.pass(1);
      }
      expect(c.closed).toHaveBeenCalledTimes(1);
    });

    it('gets no pong past the high water, however many pings it sends', async () => {
      const c = connectionOf({ outlet: { highWaterBytes: 1_000, closeBytes: 10_000 } });
      c.connection.state = 'open';
      c.socket.hold();
      for (let i = 0; i < 200; i++) await c.say(PING, 'x'.repeat(125));
      expect(c.connection.outlet.unsentBytes).toBeLessThan(1_000 + 127);
      c.socket.release();
      await c.clock.settle();
      await c.say(PING, 'back');
      expect(c.socket.frames.slice(-1)).toEqual([{ opcode: PONG, payload: Buffer.from('back') }]);
    });

    it('is closed at once when not even replies have room, and what waited is forgotten', async () => {
      const c = connectionOf({ outlet: { highWaterBytes: 1_000, closeBytes: 2_000 } });
      c.connection.state = 'open';
      c.socket.hold();
      for (let i = 0; i < 100; i++) c.connection.send({ type: 'pong', at: 'x'.repeat(50) });
      await c.clock.settle();
      expect(c.closed).toHaveBeenCalledTimes(1);
      c.socket.release();
      await c.clock.settle();
      expect(c.opcodes()).toEqual([CLOSE]);
      expect(c.closeCode()).toBe(4008);
    });

    it('lets its rooms go on when it has taken everything', async () => {
      const c = connectionOf();
      c.socket.hold();
      c.connection.outlet.write(
        Buffer.concat([Buffer.of(0x81, 126, 0x4e, 0x20), Buffer.alloc(20_000, 0x2e)]),
      );
      await c.clock.settle();
      expect(c.drained).not.toHaveBeenCalled();
      c.socket.release();
      await c.clock.settle();
      expect(c.drained).toHaveBeenCalledTimes(1);
    });
  });

  describe('with a frame that is never finished', () => {
    it('is closed with 4500 after its time', async () => {
      const c = connectionOf();
      c.connection.state = 'open';
      c.socket.deliver(clientFrame(TEXT, Buffer.from('a whole frame')).subarray(0, 8));
      await c.pass(1 + settings.fragmentTimeoutMs / SECOND - 1);
      expect(c.closeCode()).toBeUndefined();
      await c.pass(1);
      expect(c.errors()).toEqual(['bad_frame']);
      expect(c.closeCode()).toBe(4500);
    });

    it('goes on when it is finished in time', async () => {
      const c = connectionOf();
      c.connection.state = 'open';
      const frame = clientFrame(TEXT, Buffer.from('a whole frame'));
      for (let i = 0; i < 3; i++) {
        c.socket.deliver(frame.subarray(0, 8));
        await c.pass(8);
        c.socket.deliver(frame.subarray(8));
        await c.pass(1);
      }
      expect(c.texts).toHaveLength(3);
      expect(c.connection.state).toBe('open');
    });
  });

  it('counts what `ws` refuses by itself', () => {
    const { connection, rejected } = connectionOf();
    connection.broken('WS_ERR_UNSUPPORTED_MESSAGE_LENGTH');
    connection.broken('WS_ERR_INVALID_UTF8');
    connection.broken('ECONNRESET');
    expect(rejected).toEqual(['too_large', 'bad_frame']);
  });
});
