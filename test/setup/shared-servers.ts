import type { TestServer } from '../../libs/testing/src/index';

/** The run's own servers: kept where set-up and tear-down, which Jest loads on their own, both find them. */
const KEY = Symbol.for('troupe.test.sharedServers');
const holder = globalThis as { [KEY]?: TestServer[] };

export function keepServers(servers: TestServer[]): void {
  holder[KEY] = servers;
}

/** Gives the servers up: a second call finds none. */
export function takeServers(): TestServer[] {
  const servers = holder[KEY] ?? [];
  delete holder[KEY];
  return servers;
}
