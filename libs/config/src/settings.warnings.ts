import { settingKeys, variableOf } from './settings.catalogue';

/** Beginnings that only our variables have: an unknown one is a slip of the pen, and its writer believes it works. */
const OUR_PREFIXES = [
  'TROUPE_',
  'LEASE_',
  'MAILBOX_',
  'DEDUP_',
  'ROOM_',
  'STORE_',
  'SEQ_',
  'EDGE_',
  'RESUME_',
  'PUBLISH_',
  'FRAME_',
  'FRAMES_',
  'FRAGMENT_',
  'FRAGMENTS_',
  'SOCKET_',
  'HEARTBEAT_',
  'PONG_',
  'HELLO_',
  'MESSAGES_',
  'PRESENCE_',
  'ARGON2_',
  'NATS_',
  'REDIS_',
  'DATABASE_',
];

/** What Kubernetes puts into every pod for a Service named presence, nats or redis. */
const SERVICE_LINK = /_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP)(_\w+)?)?)$/;

/** Database settings of other programs. Whoever set them does not expect the embedded database. */
const FOREIGN_DATABASE = [
  'PGHOST',
  'PGHOSTADDR',
  'PGPORT',
  'PGDATABASE',
  'PGUSER',
  'PGPASSWORD',
  'PGSERVICE',
  'POSTGRES_URL',
  'POSTGRES_HOST',
  'POSTGRES_DB',
  'DB_URL',
  'DB_HOST',
  'DATABASE_HOST',
  'DATABASE_NAME',
];

/** Finds what is legal but hardly meant. Repeats names, never values. */
export function findWarnings(env: NodeJS.ProcessEnv): string[] {
  const known = new Set(settingKeys.map(variableOf));
  const given = Object.keys(env).filter((name) => env[name]?.trim());
  const warnings = given
    .filter((name) => !known.has(name) && !SERVICE_LINK.test(name))
    .filter((name) => OUR_PREFIXES.some((prefix) => name.startsWith(prefix)))
    .sort()
    .map((name) => `${name} is not a setting and has no effect; .env.example lists them all`);
  const foreign = FOREIGN_DATABASE.filter((name) => given.includes(name));
  if (foreign.length > 0 && !given.includes('DATABASE_URL')) {
    warnings.push(
      `${foreign.join(', ')} set without DATABASE_URL: only DATABASE_URL is read, so the embedded database under DATA_DIR is used`,
    );
  }
  return warnings;
}
