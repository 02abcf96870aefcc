import type { ErrorCode } from '@troupe/protocol';

/** Counts what was refused, by code: the counter `troupe_rejected_total`. */
export interface Rejections {
  inc(labels: { code: ErrorCode }): void;
}

export const REJECTIONS = Symbol('Rejections');
