/**
 * Measurements inside one process, of one part at a time. Each is listed in {@link MICRO_BENCHES};
 * `npm run bench -- --only micro` runs them all and the results have a line for each.
 */
export interface MicroResult {
  title: string;
  /** What was found, with its unit: `1.12×`, `96 bytes`. */
  measured: string;
  target: string;
  met: boolean;
  /** How it was measured, in one sentence. */
  how: string;
}

export type MicroBench = () => Promise<MicroResult[]> | MicroResult[];

export const MICRO_BENCHES: readonly MicroBench[] = [];
