import { keepServers } from './shared-servers';
import { withTroupePaths } from './troupe-paths';

/**
 * Starts one NATS, one Redis and one Postgres for all integration tests of the run, and puts their addresses into
 * `TEST_NATS_URL`, `TEST_REDIS_URL` and `TEST_DATABASE_URL`.
 *
 * Tests share them, so each uses subjects, key prefixes and a database (`createDatabase`) of its own, and none stops
 * them: whoever needs a fault starts a server for it. Commits are not flushed to disk.
 */
export default async function startSharedServers(): Promise<void> {
  const { startNats, startPostgres, startRedis } = await withTroupePaths(
    () => import('../../libs/testing/src/index'),
  );
  const started = await Promise.allSettled([startNats(), startRedis(), startPostgres({ fsync: false })]);
  const servers = started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const failures = started.flatMap((result) =>
    result.status === 'rejected' ? [result.reason as unknown] : [],
  );
  if (failures.length > 0) {
    await Promise.all(servers.map((server) => server.stop()));
    throw new AggregateError(failures, failures.map(String).join('\n'));
  }
  keepServers(servers);
  const [nats, redis, postgres] = servers;
  process.env['TEST_NATS_URL'] = nats?.url;
  process.env['TEST_REDIS_URL'] = redis?.url;
  process.env['TEST_DATABASE_URL'] = postgres?.url;
}
