import type { RoomView } from './history.view';
import type { Invariant } from './invariant';

const bySeq = ({ rows }: RoomView): RoomView['rows'] => [...rows].sort((a, b) => a.seq - b.seq);

export const epochsRise: Invariant = {
  name: 'epochs-rise',
  promise: 'the epochs of a room never fall as its seqs rise, and each epoch has one writer',
  counterExamples: (room) => {
    const rows = bySeq(room);
    const falling = rows.flatMap((row, at) => {
      const before = rows[at - 1];
      return before && row.epoch < before.epoch
        ? [
            `seq ${row.seq} was written in epoch ${row.epoch}, after seq ${before.seq} in epoch ${before.epoch}`,
          ]
        : [];
    });
    const writerOf = new Map<number, string>();
    const shared = rows.flatMap(({ epoch, writer, seq }) => {
      if (writer === undefined) return [];
      const first = writerOf.get(epoch) ?? writer;
      writerOf.set(epoch, first);
      return first === writer
        ? []
        : [`epoch ${epoch} was written by ${first}, and at seq ${seq} by ${writer}`];
    });
    return [...falling, ...shared];
  },
};

export const fenceHolds: Invariant = {
  name: 'fence-holds',
  promise: 'nothing is written in an epoch after the next one has begun',
  counterExamples: (room) =>
    bySeq(room)
      .filter(({ epoch, leaseEpoch }) => leaseEpoch !== undefined && epoch !== leaseEpoch)
      .map(
        ({ seq, epoch, leaseEpoch, writer }) =>
          `seq ${seq} was written by ${writer ?? 'somebody'} in epoch ${epoch} while the lease was in epoch ${leaseEpoch}`,
      ),
};
