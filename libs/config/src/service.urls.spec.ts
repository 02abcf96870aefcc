import { defaultHealthPort, healthPortOf, MissingUrls, requireUrls } from './service.urls';
import { SERVICE_NAMES } from './service.names';
import { parseSettings } from './settings.parse';

const NATS_URL = 'nats://nats:4222';
const REDIS_URL = 'redis://redis:6379';
const DATABASE_URL = 'postgres://troupe:hunter2@db/troupe';

describe('A service started alone', () => {
  it.each([
    ['gateway', 'NATS_URL and DATABASE_URL'],
    ['room-actor', 'NATS_URL and DATABASE_URL'],
    ['presence', 'NATS_URL and REDIS_URL'],
  ] as const)('%s refuses an empty environment and names %s', (service, names) => {
    expect(() => requireUrls(parseSettings({}), service)).toThrow(
      `${service} needs ${names}, and they are not set`,
    );
  });

  it('names only what is missing', () => {
    const settings = parseSettings({ NATS_URL, DATABASE_URL });
    expect(() => requireUrls(settings, 'presence')).toThrow(MissingUrls);
    expect(() => requireUrls(settings, 'presence')).toThrow('presence needs REDIS_URL, and it is not set');
  });

  it('gets its URLs as strings when they are there', () => {
    const settings = requireUrls(parseSettings({ NATS_URL, DATABASE_URL, REDIS_URL }), 'room-actor');
    const urls: [string, string] = [settings.natsUrl, settings.databaseUrl];
    expect(urls).toEqual([NATS_URL, DATABASE_URL]);
  });

  it('needs none when it is standalone', () => {
    expect(() => requireUrls(parseSettings({}), 'standalone')).not.toThrow();
  });
});

describe('The health port', () => {
  it('has a default for the services that listen nowhere else', () => {
    expect(SERVICE_NAMES.map(defaultHealthPort)).toEqual([undefined, 3001, 3002, undefined]);
  });

  it('is HEALTH_PORT where that is set', () => {
    expect(healthPortOf(parseSettings({ HEALTH_PORT: '9100' }), 'presence')).toBe(9100);
    expect(healthPortOf(parseSettings({ HEALTH_PORT: '9100' }), 'gateway')).toBe(9100);
    expect(healthPortOf(parseSettings({}), 'room-actor')).toBe(3001);
  });

  it('is not opened twice by the gateway, which has the paths on PORT already', () => {
    expect(healthPortOf(parseSettings({ HEALTH_PORT: '3000' }), 'gateway')).toBeUndefined();
    expect(healthPortOf(parseSettings({ HEALTH_PORT: '3000' }), 'room-actor')).toBe(3000);
    expect(healthPortOf(parseSettings({ PORT: '0', HEALTH_PORT: '0' }), 'gateway')).toBe(0);
  });
});
