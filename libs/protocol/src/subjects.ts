import { isId } from './ids';
import { PARTITIONS } from './partitions';

declare const subjectBrand: unique symbol;
declare const patternBrand: unique symbol;

/** A subject that one can publish to. Made only by the builders below. */
export type Subject = string & { readonly [subjectBrand]: true };
/** A subject, or a subject with wildcards, that one can subscribe to. Made only by the builders below. */
export type SubjectPattern = (string & { readonly [patternBrand]: true }) | Subject;

function token(value: string): string {
  // A dot, a space, a wildcard or a line break here would reach other subjects or forge a protocol line.
  if (!isId(value)) throw new RangeError('not a legal subject token');
  return value;
}

function partitionToken(partition: number): string {
  if (!Number.isInteger(partition) || partition < 0 || partition >= PARTITIONS) {
    throw new RangeError(`not a partition: ${partition}`);
  }
  return String(partition);
}

const subject = (text: string): Subject => text as Subject;
const pattern = (text: string): SubjectPattern => text as SubjectPattern;

/** Every subject of the system. `troupe.v1.*` is public; `troupe.i1.*` is between pods of one version. */
export const subjects = {
  /** Request/reply: publish to a room from any client in any language. */
  publish: subject('troupe.v1.publish'),
  /** Events of one room: each committed message and membership change. */
  roomEvents: (room: string): Subject => subject(`troupe.v1.rooms.${token(room)}.events`),
  allRoomEvents: pattern('troupe.v1.rooms.*.events'),
  /** Status changes of one user. */
  presence: (user: string): Subject => subject(`troupe.v1.presence.${token(user)}`),
  allPresence: pattern('troupe.v1.presence.*'),

  /** Commands to the rooms of one partition; only its owner subscribes. */
  partition: (partition: number): Subject => subject(`troupe.i1.partition.${partitionToken(partition)}`),
  /** The one ordered stream from all actors to one gateway incarnation. */
  gateway: (gateway: string): Subject => subject(`troupe.i1.gateway.${token(gateway)}`),
  /** Where "nobody serves that partition" comes back to a gateway. */
  unserved: (gateway: string, partition: number): Subject =>
    subject(`troupe.i1.unserved.${token(gateway)}.${partitionToken(partition)}`),
  allUnserved: (gateway: string): SubjectPattern => pattern(`troupe.i1.unserved.${token(gateway)}.*`),
  /** Which pod owns which partitions, told on each change; read by gateways and by the other pods. */
  ownership: subject('troupe.i1.ownership'),
  /** Each gateway's sign of life. */
  gatewayAlive: subject('troupe.i1.gateway-alive'),
  /** Who became or stopped being a member of what; read by every gateway. */
  membership: subject('troupe.i1.membership'),
  /** Sessions that opened and closed, for presence. */
  sessions: subject('troupe.i1.sessions'),
  /** Presence asks one gateway incarnation for all of its sessions: it lost some, or all. */
  sessionsWanted: (gateway: string): Subject => subject(`troupe.i1.sessions-wanted.${token(gateway)}`),
  /** Request/reply: who is online. */
  presenceQuery: subject('troupe.i1.presence-query'),
};
