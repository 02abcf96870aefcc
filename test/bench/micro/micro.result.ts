/** A measurement inside one process, of one part. */
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
