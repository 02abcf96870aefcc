import type { MicroBench } from './micro.result';
import { roomBench } from './room';

export type { MicroBench, MicroResult } from './micro.result';

/**
 * Measurements inside one process, of one part at a time. `npm run bench -- --only micro` runs them all and the results
 * have a line for each.
 */
export const MICRO_BENCHES: readonly MicroBench[] = [roomBench];
