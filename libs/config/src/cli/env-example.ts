import { writeFileSync } from 'node:fs';
import { renderEnvExample } from '../settings.render';

/** Writes `.env.example` into the working directory: `npm run build && node dist/libs/config/src/cli/env-example.js`. */
writeFileSync('.env.example', renderEnvExample());
