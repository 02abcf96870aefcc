import { takeServers } from './shared-servers';

/** Stops what the set-up started. If the run ends without this, the servers end by themselves. */
export default async function stopSharedServers(): Promise<void> {
  await Promise.all(takeServers().map((server) => server.stop()));
}
