import { join } from 'node:path';
import { type ServiceOptions, type ServiceProcess, spawnService } from './service-process';
import { withinMs } from './until';
import { untilGone } from './until-gone';

jest.setTimeout(60_000);

const entry = join(__dirname, 'fixtures/service.cjs');

describe('spawnService', () => {
  const started: ServiceProcess[] = [];
  afterEach(async () => {
    await Promise.all(started.splice(0).map((service) => service.stop()));
  });
  const spawn = async (options: Omit<ServiceOptions, 'entry'>): Promise<ServiceProcess> => {
    const service = await spawnService({ ...options, entry });
    started.push(service);
    return service;
  };

  it('resolves when /readyz answers 200, not before', async () => {
    const service = await spawn({ name: 'late', env: {} });
    await service.untilOutput(/^listening as \d+\nasked 3 times\n$/);
    expect(await service.stop()).toEqual({ code: 0, signal: null });
    expect(service.output()).toMatch(/leaving\n$/);
    expect(await service.stop()).toEqual({ code: 0, signal: null });
  });

  it('resolves at a line of output where that is what ready means', async () => {
    const service = await spawn({ name: 'talker', env: {}, readyPattern: /^listening/m });
    expect(service.output()).toBe(`listening as ${service.pid}\n`);
    service.kill('SIGKILL');
    expect(await service.exited).toEqual({ code: null, signal: 'SIGKILL' });
    await untilGone(service.pid);
  });

  it('gives the service the settings asked for and none of the tests’ own', async () => {
    process.env['DATABASE_URL'] = 'postgres://of-whoever-runs-the-tests';
    const service = await spawn({
      name: 'settings',
      env: { POD: 'a' },
      nodeArgs: ['--no-warnings'],
    });
    delete process.env['DATABASE_URL'];
    service.kill('SIGUSR2');
    const [, json] = await service.untilOutput(/environment (.*)\n/);
    const settings = JSON.parse(json ?? '') as Record<string, string>;
    expect(settings).toMatchObject({ POD: 'a', NODE_ENV: 'test', HEALTH_PORT: `${service.healthPort}` });
    expect(settings).not.toHaveProperty('DATABASE_URL');
  });

  it('throws with the output as soon as a service ends without ever being ready', async () => {
    const failure = spawn({ name: 'refuser', env: { REFUSE: 'no DATABASE_URL' } });
    await expect(failure).rejects.toThrow(/refuser: it ended with {"code":78.*\nrefused: no DATABASE_URL/s);
  });

  it('lets a refusal be looked at', async () => {
    const service = await spawn({ name: 'refuser', env: { REFUSE: 'so' }, awaitReady: false });
    expect(await service.exited).toEqual({ code: 78, signal: null });
    expect(service.output()).toBe('refused: so\n');
  });

  it('kills a service that does not become ready in time, and throws', async () => {
    const failure: unknown = await spawn({
      name: 'mute',
      env: {},
      readyPattern: /never/,
      readyMsMax: 2_000,
    }).catch((error: unknown) => error);
    const [, pid] = /mute: not within 2000 ms.*listening as (\d+)/s.exec(String(failure)) ?? [];
    expect(Number(pid)).toBeGreaterThan(0);
    await untilGone(Number(pid));
  });

  it('ends a suspended service', async () => {
    const service = await spawn({ name: 'suspended', env: {} });
    service.kill('SIGSTOP');
    expect(await withinMs(service.exited, 100)).toBeNull();
    expect(await service.stop()).toEqual({ code: 0, signal: null });
  });
});
