import { createMetrics } from '../metrics/metrics';
import { CHECK_ABANDON_MS, CHECK_DEADLINE_MS, HealthChecks } from './health.checks';
import { createHealthHandler, healthPathOf } from './health.handler';

function service(draining = false) {
  const checks = new HealthChecks();
  const metrics = createMetrics({ service: 'gateway' });
  const handle = createHealthHandler({ metrics, checks, isDraining: () => draining });
  const ready = async () => {
    const { status, body } = await handle('/readyz');
    return { status, body: JSON.parse(body) as unknown };
  };
  return { checks, metrics, handle, ready };
}

describe('/healthz', () => {
  it('is 200 whatever the dependencies say, draining or not', async () => {
    const { checks, handle } = service(true);
    checks.register('store', () => false);
    expect(await handle('/healthz')).toEqual({
      status: 200,
      contentType: 'application/json; charset=utf-8',
      body: '{"status":"ok"}',
    });
  });
});

describe('/readyz', () => {
  it('is 200 while every check passes', async () => {
    const { checks, ready } = service();
    checks.register('bus', () => true);
    checks.register('store', () => Promise.resolve(true));
    expect(await ready()).toEqual({
      status: 200,
      body: { status: 'ok', checks: { bus: 'up', store: 'up' } },
    });
  });

  it('is 503 and names what is down, without a reason or a host', async () => {
    const { checks, handle, ready } = service();
    checks.register('bus', () => true);
    checks.register('store', () => Promise.reject(new Error('connect ECONNREFUSED db.internal:5432')));
    checks.register('leases', () => {
      throw new Error('db.internal');
    });
    expect(await ready()).toEqual({
      status: 503,
      body: { status: 'unavailable', checks: { bus: 'up', store: 'down', leases: 'down' } },
    });
    expect((await handle('/readyz')).body).not.toContain('internal');
  });

  it('is 503 at once while draining, and asks nobody', async () => {
    const { checks, ready } = service(true);
    const check = jest.fn(() => true);
    checks.register('bus', check);
    expect(await ready()).toEqual({ status: 503, body: { status: 'draining', checks: {} } });
    expect(check).not.toHaveBeenCalled();
  });

  describe('with a check that hangs', () => {
    beforeEach(() => void jest.useFakeTimers());
    afterEach(() => void jest.useRealTimers());

    it('calls it down after the deadline, and asks it once however many probes come', async () => {
      const { checks, ready } = service();
      const answers: ((up: boolean) => void)[] = [];
      const check = jest.fn(() => new Promise<boolean>((resolve) => answers.push(resolve)));
      checks.register('store', check);
      checks.register('bus', () => true);
      const probes = [ready(), ready()];
      await jest.advanceTimersByTimeAsync(CHECK_DEADLINE_MS);
      const down = { status: 503, body: { status: 'unavailable', checks: { store: 'down', bus: 'up' } } };
      expect(await Promise.all(probes)).toEqual([down, down]);
      expect(check).toHaveBeenCalledTimes(1);
      answers[0]?.(true);
      await jest.advanceTimersByTimeAsync(0);
      check.mockImplementation(() => Promise.resolve(true));
      expect(await ready()).toMatchObject({ status: 200 });
      expect(jest.getTimerCount()).toBe(0);
    });

    it('gives up on it after a while and asks anew', async () => {
      const { checks, ready } = service();
      const check = jest.fn(() => new Promise<boolean>(() => undefined));
      checks.register('store', check);
      const first = ready();
      await jest.advanceTimersByTimeAsync(CHECK_ABANDON_MS);
      await first;
      check.mockImplementation(() => Promise.resolve(true));
      expect(await ready()).toMatchObject({ status: 200 });
    });
  });

  it('does not let two parts register under one name', () => {
    const { checks } = service();
    checks.register('bus', () => true);
    expect(() => checks.register('bus', () => true)).toThrow(RangeError);
  });
});

describe('/metrics', () => {
  it('is the Prometheus text', async () => {
    const { metrics, handle } = service();
    metrics.sessions.set(3);
    const answer = await handle('/metrics');
    expect(answer).toMatchObject({ status: 200, contentType: 'text/plain; version=0.0.4; charset=utf-8' });
    expect(answer.body).toMatch(/^troupe_sessions 3$/m);
  });

  it('is a bare 500 when it cannot be read', async () => {
    const metrics = { contentType: 'text/plain', text: () => Promise.reject(new Error('db.internal')) };
    const handle = createHealthHandler({ metrics, checks: new HealthChecks(), isDraining: () => false });
    expect(await handle('/metrics')).toMatchObject({ status: 500, body: 'metrics failed\n' });
  });
});

describe('A path', () => {
  it.each([
    ['/readyz', '/readyz'],
    ['/metrics?x=1', '/metrics'],
    ['/readyz/', undefined],
    ['/', undefined],
    ['', undefined],
  ])('%j leads to %s', (url, path) => {
    expect(healthPathOf(url)).toBe(path);
  });
});
