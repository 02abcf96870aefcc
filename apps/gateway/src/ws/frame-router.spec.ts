import { createLogger, createMetrics } from '@troupe/observability';
import { StoreUnavailable } from '@troupe/ports';
import { TroupeError } from '@troupe/protocol';
import { SimClock } from '@troupe/testing';
import { GatewayHarness } from '../testing/gateway-harness';
import { type FrameHandlers, FrameRouter } from './frame-router';

describe('routing frames', () => {
  const metrics = createMetrics({ service: 'gateway' });
  const logged: string[] = [];
  const destination = { write: (line: string) => void logged.push(line) };
  const logger = createLogger({ service: 'gateway', level: 'error', destination });
  const handled = jest.fn<void | Promise<void>, [unknown, { type: string }]>();
  const handlers: FrameHandlers = {
    hello: handled,
    message: handled,
    join: handled,
    leave: handled,
    group_join: handled,
    group_leave: handled,
    history: handled,
    ping: handled,
  };
  const clock = new SimClock();
  const router = new FrameRouter(handlers, metrics, logger, () => clock.nowMs());
  let harness: GatewayHarness;
  beforeEach(() => {
    handled.mockReset();
    logged.length = 0;
    harness = new GatewayHarness(clock);
  });
  afterEach(() => harness.close());

  /** Lets a frame come to a client's connection; gives what is answered. */
  async function answersTo(frame: object | string, state: 'new' | 'open' = 'open') {
    const client = harness.connect();
    client.connection.state = state;
    const text = typeof frame === 'string' ? frame : JSON.stringify(frame);
    router.receive(client.connection, text);
    await harness.settle();
    return { client, answers: client.frames };
  }

  it.each([
    ['hello', {}],
    ['message', { room: 'r', text: 't' }],
    ['join', { room: 'r' }],
    ['leave', { room: 'r' }],
    ['group_join', { room: 'r' }],
    ['group_leave', { room: 'r' }],
    ['history', { room: 'r' }],
    ['ping', {}],
  ])('gives %s to its handler', async (type, fields) => {
    const { client, answers } = await answersTo({ type, id: '1', ...fields });
    expect(handled.mock.calls).toEqual([[client.connection, { type, id: '1', ...fields }]]);
    expect(answers).toEqual([]);
  });

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', '', 'HELLO', 'welcome'])(
    'has no handler for the type %j, and says so',
    async (type) => {
      const { client, answers } = await answersTo(`{"type":${JSON.stringify(type)},"id":"7"}`);
      expect(answers).toEqual([
        { type: 'error', id: '7', code: 'bad_frame', message: 'unknown or missing type' },
      ]);
      expect(handled).not.toHaveBeenCalled();
      expect(client.connection.state).toBe('open');
    },
  );

  it.each(['', 'x', '{', '[]', 'null', '1', '"hello"', '{"type":1}', '{"type":["hello"]}', '{}'])(
    'answers %j with bad_frame',
    async (text) => {
      const { answers } = await answersTo(text);
      expect(answers).toMatchObject([{ type: 'error', code: 'bad_frame' }]);
    },
  );

  it('answers a known frame with a wrong field with bad_request, as often as it comes', async () => {
    const { client } = await answersTo({ type: 'join' });
    for (let i = 0; i < 20; i++) router.receive(client.connection, '{"type":"join","room":"not an id"}');
    await harness.settle();
    expect(new Set(client.frames.map((frame) => frame['code']))).toEqual(new Set(['bad_request']));
    expect(client.connection.state).toBe('open');
  });

  it('closes at the fifth frame that is none', async () => {
    const { client } = await answersTo('{');
    for (let i = 0; i < 4; i++) router.receive(client.connection, '{');
    await harness.settle();
    expect(client.frames).toHaveLength(5);
    expect(client.closeCodes).toEqual([4500]);
  });

  it('lets nothing but hello through before the session is open', async () => {
    const { answers } = await answersTo({ type: 'ping', id: '1' }, 'new');
    expect(answers).toMatchObject([{ type: 'error', id: '1', code: 'unauthenticated' }]);
    expect(handled).not.toHaveBeenCalled();
  });

  const failures: [string, () => void | Promise<void>][] = [
    [
      'throws',
      () => {
        throw new TypeError('a bug at db-1:5432');
      },
    ],
    ['rejects', () => Promise.reject(new TypeError('a bug at db-1:5432'))],
  ];

  it.each(failures)(
    'answers internal, and nothing more, when a handler %s; the socket lives',
    async (_how, fail) => {
      handled.mockImplementationOnce(fail);
      const { client, answers } = await answersTo({ type: 'ping', id: '1' });
      expect(answers).toEqual([{ type: 'error', id: '1', code: 'internal', message: 'internal error' }]);
      expect(logged.join()).toContain('frame failed');
      router.receive(client.connection, '{"type":"ping","id":"2"}');
      expect(handled).toHaveBeenCalledTimes(2);
      expect(client.connection.state).toBe('open');
    },
  );

  it('answers what a handler refuses with, and when to try again', async () => {
    handled.mockImplementationOnce(() => {
      throw new TroupeError('rate_limited', 'slow down', 250);
    });
    const { answers } = await answersTo({ type: 'ping', id: '1' });
    const error = { type: 'error', id: '1', code: 'rate_limited', message: 'slow down', retryAfterMs: 250 };
    expect(answers).toEqual([error]);
    expect(logged).toEqual([]);
  });

  it('answers unavailable while the store is away', async () => {
    handled.mockImplementationOnce(() => Promise.reject(new StoreUnavailable('10.0.0.7 timed out')));
    const { answers } = await answersTo({ type: 'ping' });
    expect(answers).toMatchObject([{ code: 'unavailable' }]);
    expect(JSON.stringify(answers)).not.toContain('10.0.0.7');
  });

  it('only counts what fails after the socket is gone', async () => {
    let fail: (error: Error) => void = () => undefined;
    handled.mockImplementationOnce(() => new Promise((_resolve, reject) => (fail = reject)));
    const { client } = await answersTo({ type: 'ping' });
    const before = metrics.rejected.by('unavailable').value;
    client.connection.gone();
    fail(new StoreUnavailable(''));
    await harness.settle();
    expect(client.frames).toEqual([]);
    expect(metrics.rejected.by('unavailable').value).toBe(before + 1);
  });
});
