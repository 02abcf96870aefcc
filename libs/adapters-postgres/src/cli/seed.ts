import { type Algorithm, hash } from '@node-rs/argon2';
import { seedDatabase } from '../demo/demo-database';
import { withDatabase } from './with-database';

/** The same parameters as for every other password. 2 is Argon2id: the enum is not there at run time. */
const ARGON2ID = 2 satisfies Algorithm.Argon2id;
const hashPassword = (password: string): Promise<string> =>
  hash(password, { algorithm: ARGON2ID, memoryCost: 19_456, timeCost: 2, parallelism: 1 });

void withDatabase('the demo users, room and service are there', (db) =>
  seedDatabase(db, { hashPassword, environment: process.env['NODE_ENV'] }),
);
