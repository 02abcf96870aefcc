import type { ServiceName } from './service.names';
import { variableOf, type Settings } from './settings.catalogue';

/** The external parts without which a service cannot do its work. Standalone has an embedded one for each. */
const urlsOf = {
  gateway: ['natsUrl', 'databaseUrl'],
  'room-actor': ['natsUrl', 'databaseUrl'],
  presence: ['natsUrl', 'redisUrl'],
  standalone: [],
} as const satisfies Record<ServiceName, readonly ('natsUrl' | 'redisUrl' | 'databaseUrl')[]>;

/** Settings in which the URLs of the service are known to be there. */
export type WithUrlsOf<S extends ServiceName> = Settings & {
  readonly [K in (typeof urlsOf)[S][number]]: string;
};

/** A service was started alone without the URLs of what it needs. Not temporary. */
export class MissingUrls extends Error {
  override readonly name = 'MissingUrls';

  constructor(
    readonly service: ServiceName,
    readonly variables: readonly string[],
  ) {
    const [needs, them] = [variables.join(' and '), variables.length === 1 ? 'it is' : 'they are'];
    super(
      `${service} needs ${needs}, and ${them} not set. For everything in one process without external parts, run npm start.`,
    );
  }
}

/** Gives the settings back once every URL that the service needs is there; throws {@link MissingUrls} otherwise. */
export function requireUrls<S extends ServiceName>(settings: Settings, service: S): WithUrlsOf<S> {
  const missing = urlsOf[service].filter((key) => settings[key] === undefined);
  if (missing.length > 0) throw new MissingUrls(service, missing.map(variableOf));
  return settings as WithUrlsOf<S>;
}

/** Where a service serves health and metrics when HEALTH_PORT is unset; undefined: on PORT only. */
export function defaultHealthPort(service: ServiceName): number | undefined {
  switch (service) {
    case 'gateway':
    case 'standalone':
      return undefined;
    case 'room-actor':
      return 3_001;
    case 'presence':
      return 3_002;
  }
}

/**
 * Gives the port of a service's own health listener, or undefined when it needs none: the gateway (and standalone)
 * without HEALTH_PORT, or with one equal to PORT, where the same paths are served anyway.
 */
export function healthPortOf(settings: Settings, service: ServiceName): number | undefined {
  const port = settings.healthPort ?? defaultHealthPort(service);
  const onMainPort = service === 'gateway' || service === 'standalone';
  return onMainPort && port === settings.port && port !== 0 ? undefined : port;
}
