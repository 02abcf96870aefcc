import type { AckRecord, ControlRecord, PieceHeader } from '@troupe/protocol';

/**
 * One edge (a gateway incarnation) as the room's transport: an ordered stream of records to it.
 *
 * Handing a record over never blocks and never fails; a stream that loses records is found by the edge, because the
 * seqs of a room have no holes. `GatewayStreamWriter` is such a sink; a test may bring any other.
 */
export interface EdgeSink {
  readonly id: string;
  message(room: string, epoch: number, seq: number, body: Uint8Array): void;
  ack(record: AckRecord): void;
  piece(header: PieceHeader, bodies: readonly Uint8Array[]): void;
  control(record: ControlRecord): void;
}
