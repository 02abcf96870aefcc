import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { createMetrics } from '../metrics/metrics';
import { HealthModule } from '../nest/health.module';
import { HealthChecks } from './health.checks';
import { createHealthHandler } from './health.handler';
import { startHealthServer } from './health.server';

interface Binding {
  url: string;
  close(): Promise<void>;
}

let storeUp = true;

function makeHandler() {
  const checks = new HealthChecks();
  checks.register('store', () => storeUp);
  return createHealthHandler({
    metrics: createMetrics({ service: 'presence' }),
    checks,
    isDraining: () => false,
  });
}

async function listener(): Promise<Binding> {
  const server = await startHealthServer({ handler: makeHandler(), host: '127.0.0.1', port: 0 });
  return { url: `http://127.0.0.1:${server.port}`, close: () => server.close() };
}

async function nestApp(): Promise<Binding> {
  const app = await NestFactory.create<NestFastifyApplication>(
    HealthModule.register(makeHandler()),
    new FastifyAdapter(),
    { logger: false },
  );
  await app.listen(0, '127.0.0.1');
  return { url: (await app.getUrl()).replace('localhost', '127.0.0.1'), close: () => app.close() };
}

describe.each([
  ['The listener of its own', listener],
  ['The Nest app on Fastify', nestApp],
])('%s', (_name, open) => {
  let binding: Binding;
  const get = (path: string, method = 'GET') => fetch(binding.url + path, { method });

  beforeAll(async () => {
    binding = await open();
  });
  afterAll(() => binding.close());
  beforeEach(() => {
    storeUp = true;
  });

  it('answers the three paths as the handler says, and lets nobody cache them', async () => {
    for (const path of ['/healthz', '/readyz', '/metrics']) {
      const response = await get(path);
      expect(response.status).toBe(200);
      expect(response.headers.get('cache-control')).toBe('no-store');
    }
    expect((await get('/metrics')).headers.get('content-type')).toBe(
      'text/plain; version=0.0.4; charset=utf-8',
    );
    expect(await (await get('/metrics')).text()).toMatch(/^troupe_sessions 0$/m);
    expect(await (await get('/healthz')).json()).toEqual({ status: 'ok' });
  });

  it('is not ready while the store is down, and is again afterwards', async () => {
    storeUp = false;
    const response = await get('/readyz');
    expect(response.status).toBe(503);
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(await response.json()).toEqual({ status: 'unavailable', checks: { store: 'down' } });
    storeUp = true;
    expect((await get('/readyz')).status).toBe(200);
  });

  it('answers HEAD without a body, and 404 elsewhere', async () => {
    const head = await get('/healthz', 'HEAD');
    expect([head.status, await head.text()]).toEqual([200, '']);
    expect((await get('/')).status).toBe(404);
    expect((await get('/healthz/x')).status).toBe(404);
  });
});

describe('The listener of its own', () => {
  it('refuses methods that change something', async () => {
    const { url, close } = await listener();
    const response = await fetch(`${url}/healthz`, { method: 'POST' });
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    await close();
  });

  it('rejects when the port is taken, and closes twice without complaint', async () => {
    const server = await startHealthServer({ handler: makeHandler(), host: '127.0.0.1', port: 0 });
    await expect(
      startHealthServer({ handler: makeHandler(), host: '127.0.0.1', port: server.port }),
    ).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await server.close();
    await server.close();
  });
});
