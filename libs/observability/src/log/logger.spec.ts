import { createLogger, type LogLevelName } from './logger';
import { throttled } from './throttled.logger';

function collecting(level: LogLevelName = 'trace') {
  const lines: string[] = [];
  const logger = createLogger({
    service: 'gateway',
    level,
    destination: { write: (line) => lines.push(line) },
  });
  return { logger, lines, entries: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

describe('A log line', () => {
  it('is one line of JSON with level, time, service, fields and message', () => {
    const { logger, lines, entries } = collecting();
    logger.warn({ session: 7, code: 'bad_frame' }, 'a frame was refused\nand more');
    expect(lines[0]).toMatch(/^[^\n]*\n$/);
    expect(entries()).toEqual([
      expect.objectContaining({
        level: 'warn',
        service: 'gateway',
        session: 7,
        code: 'bad_frame',
        message: 'a frame was refused\nand more',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      }),
    ]);
  });

  it('is not written below the level, and never when silent', () => {
    const { logger, lines } = collecting('warn');
    logger.info('quiet');
    logger.error('loud');
    expect(lines).toHaveLength(1);
    const silent = collecting('silent');
    silent.logger.fatal('nothing');
    expect(silent.lines).toEqual([]);
  });

  it('masks secrets and what people wrote, at any depth, in any spelling, in arrays and in child fields', () => {
    const { logger, lines, entries } = collecting();
    const secret = 'hunter2';
    const message = { room: 'lobby', text: secret, data: { deep: secret } };
    logger.child({ pod: 'p1', auth: { Password: secret } }).info(
      {
        password: secret,
        headers: { Authorization: secret, 'set-cookie': [secret], cookie: secret },
        token: { value: secret },
        a: { b: { c: [{ access_token: secret, refreshToken: secret, client_secret: secret }] } },
        batch: [message, { message }],
        frame: secret,
        body: secret,
      },
      'all of it',
    );
    expect(lines.join()).not.toContain(secret);
    expect(entries()[0]).toMatchObject({
      pod: 'p1',
      auth: { Password: '[redacted]' },
      batch: [{ room: 'lobby', text: '[redacted]', data: '[redacted]' }, { message: { room: 'lobby' } }],
    });
  });

  it('masks credentials inside prose: URLs, bearer tokens, signed tokens', () => {
    const { logger, lines } = collecting();
    const jwt = 'eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl';
    logger.error(
      { err: new Error(`connect postgres://troupe:hunter2@db:5432/troupe failed`) },
      `with ${jwt}`,
    );
    logger.info('Authorization: Bearer abcdefghijklmnopqrstuvwxyz');
    const text = lines.join();
    expect(text).not.toMatch(/hunter2|eyJhbGci|abcdefghijklmnop/);
    expect(text).toContain('postgres://[redacted]@db:5432/troupe failed');
    for (const line of lines) expect(() => JSON.parse(line) as unknown).not.toThrow();
  });

  it('tells type, message, code, stack and causes of an error, and none of its other properties', () => {
    const { logger, lines, entries } = collecting();
    const cause = new TypeError('inner');
    const error = new AggregateError([new RangeError('one')], 'outer', { cause });
    logger.error({ err: { ...error, nested: error }, direct: error }, 'failed');
    const driver = Object.defineProperties(new Error('duplicate key'), {
      code: { value: '23505', enumerable: true },
      detail: { value: 'Key (id)=(alice) exists', enumerable: true },
    });
    logger.error({ err: driver }, 'refused');
    logger.error(driver, 'refused again');
    expect(entries()[0]).toMatchObject({
      direct: {
        type: 'AggregateError',
        message: 'outer',
        cause: { type: 'TypeError', message: 'inner' },
        errors: [{ type: 'RangeError', message: 'one' }],
      },
    });
    expect(entries()[1]).toMatchObject({ err: { type: 'Error', code: '23505', stack: expect.any(String) } });
    expect(entries()[2]).toMatchObject({ err: { message: 'duplicate key' }, message: 'refused again' });
    expect(lines.join()).not.toContain('alice');
  });

  it('survives whatever it is given, and stays short', () => {
    const { logger, lines, entries } = collecting();
    const loop: Record<string, unknown> = { n: 10n, when: new Date(0), fn: () => 1, none: undefined };
    loop['self'] = loop;
    let deep: unknown = 'end';
    for (let i = 0; i < 50_000; i++) deep = [deep];
    const wide = Array.from({ length: 10_000 }, (_, i) => i);
    logger.info({ loop, deep, wide, bytes: Buffer.alloc(1_000_000), map: new Map([[1, 2]]) }, 'odd');
    expect(lines[0]?.length).toBeLessThan(3_000);
    expect(entries()[0]).toMatchObject({ bytes: '[1000000 bytes]', map: '[1 entries]', loop: { n: '10' } });
  });

  it('leaves the logged object as it was', () => {
    const { logger } = collecting();
    const fields = { token: 'hunter2', nested: { text: 'hello' } };
    logger.info(fields, 'x');
    expect(fields).toEqual({ token: 'hunter2', nested: { text: 'hello' } });
  });
});

describe('A throttled logger', () => {
  it('writes so many lines a second, and says how many it left out', () => {
    const { logger, entries } = collecting();
    let nowMs = 0;
    const calm = throttled(logger, 2, () => nowMs);
    for (let i = 0; i < 10; i++) calm.warn({ i }, 'flood');
    nowMs = 999;
    calm.warn('still flooding');
    nowMs = 1_000;
    calm.warn('again');
    calm.warn({ i: 11 }, 'flood');
    expect(entries().map(({ i, message, suppressed }) => ({ i, message, suppressed }))).toEqual([
      { i: 0, message: 'flood' },
      { i: 1, message: 'flood' },
      { message: 'again', suppressed: 9 },
      { i: 11, message: 'flood' },
    ]);
  });

  it('shares its budget with its children, and lets fatal pass', () => {
    const { logger, entries } = collecting();
    const calm = throttled(logger, 1, () => 0);
    calm.child({ session: 1 }).error(new Error('one'), 'first');
    calm.child({ session: 2 }).error('second');
    calm.fatal('the end');
    expect(entries().map(({ message, session }) => [message, session])).toEqual([
      ['first', 1],
      ['the end', undefined],
    ]);
    expect(entries()[0]).toMatchObject({ err: { message: 'one' } });
  });
});
