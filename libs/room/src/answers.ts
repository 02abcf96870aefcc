import { type ErrorCode, partitionOf } from '@troupe/protocol';
import type { Refusal } from './lifecycle';
import type { FirstTime, ReplyTo } from './sequencer';

const REASONS: Partial<Record<ErrorCode, string>> = {
  not_found: 'no such room',
  not_member: 'not a member of this room',
  forbidden: 'not allowed in this room',
  room_busy: 'the room has too much waiting to be stored',
  unavailable: 'the room cannot be reached at the moment; send again',
  conflict: 'the change does not fit the state of the room',
};

export function ack(to: ReplyTo, first: FirstTime, duplicate: boolean): void {
  to.edge.ack({ ref: to.ref, seq: first.seq, id: first.id, at: first.at, duplicate });
}

export function refuse(room: string, to: ReplyTo, why: Refusal): void {
  if (why === 'moved') to.edge.control({ c: 'moved', partition: partitionOf(room), refs: [to.ref] });
  else to.edge.control({ c: 'fail', ref: to.ref, code: why, message: REASONS[why] ?? why });
}
