import type { Room } from '@troupe/room';

/** A partition that this pod owns, under an epoch, with the rooms of it that were asked for. */
export interface Partition {
  readonly id: number;
  readonly epoch: number;
  readonly acquiredAtMs: number;
  readonly rooms: Map<string, Room>;
}
