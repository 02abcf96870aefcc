import { integer } from '../integer.setting';
import type { ServiceName } from '../service.names';

const usedBy: readonly ServiceName[] = ['gateway'];

/** Logging in, and what guards it. */
export const authSettings = {
  tokenTtlS: integer({
    meaning: 'How long an access token is valid.',
    usedBy,
    unit: 'seconds',
    min: 10,
    max: 86_400,
    default: 3_600,
  }),
  argon2Concurrency: integer({
    meaning: 'How many passwords are hashed at a time; each takes a core for some 70 ms and 19 MiB.',
    usedBy,
    unit: 'hashes',
    min: 1,
    max: 64,
    default: 2,
  }),
  argon2QueueMax: integer({
    meaning: 'How many passwords may wait to be hashed; beyond it calls get rate_limited.',
    usedBy,
    unit: 'hashes',
    min: 0,
    max: 10_000,
    default: 50,
  }),
  loginPerMinute: integer({
    meaning: 'How often one account may be logged in to from one address.',
    usedBy,
    unit: 'attempts per minute',
    min: 1,
    max: 100_000,
    default: 30,
  }),
  registerPerMinute: integer({
    meaning: 'How many accounts one address may register.',
    usedBy,
    unit: 'attempts per minute',
    min: 1,
    max: 100_000,
    default: 60,
  }),
  httpBodyBytesMax: integer({
    meaning: 'The longest body of an HTTP request; a longer one gets too_large.',
    usedBy,
    unit: 'bytes',
    min: 1_024,
    max: 1_048_576,
    default: 65_536,
  }),
};
