import type { SettingKey, SettingValues } from './settings.catalogue';
import { variableOf } from './settings.catalogue';

type IntegerKey = { [K in SettingKey]: SettingValues[K] extends number ? K : never }[SettingKey];

/** What two settings owe each other. Stated once: checked at the start, shown in the documents. */
export interface Relation {
  /** The setting that the relation is listed under. */
  key: IntegerKey;
  other: IntegerKey;
  /** `must be …`, with the other's name in it. */
  rule: string;
  /** What breaks otherwise. */
  because: string;
  holds: (value: number, other: number) => boolean;
}

function atMost(key: IntegerKey, other: IntegerKey, because: string): Relation {
  return {
    key,
    other,
    rule: `at most ${variableOf(other)}`,
    because,
    holds: (value, limit) => value <= limit,
  };
}

function atMostAThird(key: IntegerKey, other: IntegerKey): Relation {
  return {
    key,
    other,
    rule: `at most a third of ${variableOf(other)}`,
    because: 'two renewals may be lost before the third is due',
    holds: (value, limit) => value * 3 <= limit,
  };
}

function atLeast(key: IntegerKey, other: IntegerKey, because: string): Relation {
  return {
    key,
    other,
    rule: `at least ${variableOf(other)}`,
    because,
    holds: (value, limit) => value >= limit,
  };
}

/** What a publish needs beyond the lease of a dead owner: the next one's poll, load and announcement. */
const TAKEOVER_MARGIN_MS = 1_000;

export const relations: readonly Relation[] = [
  atMostAThird('leaseRenewMs', 'leaseTtlMs'),
  atMost('leasePollMs', 'leaseTtlMs', 'a takeover would wait for the poll rather than for the lease'),
  atMostAThird('edgeAliveMs', 'edgeTtlMs'),
  atMostAThird('presenceRenewMs', 'presenceLeaseMs'),
  atMost('roomPendingMax', 'storeQueueMax', 'one room alone could never reach its bound'),
  atMost('storeBatchMessagesMax', 'storeQueueMax', 'a batch could never fill'),
  {
    key: 'publishDeadlineMs',
    other: 'leaseTtlMs',
    rule: `at least ${variableOf('leaseTtlMs')} + ${TAKEOVER_MARGIN_MS}`,
    because: 'a publish has to outlast the takeover of a killed owner',
    holds: (value, ttl) => value >= ttl + TAKEOVER_MARGIN_MS,
  },
  atLeast('mailboxBytesMax', 'frameBytesMax', 'a mailbox must hold at least one message of any legal size'),
  atLeast('storeBatchBytesMax', 'frameBytesMax', 'a commit must hold at least one message of any legal size'),
  atMost('resumePieceBytes', 'socketHighWaterBytes', 'one piece would make a drained socket lag again'),
  {
    key: 'pongTimeoutMs',
    other: 'heartbeatMs',
    rule: `less than ${variableOf('heartbeatMs')}`,
    because: 'the next ping would go out before the last one is judged',
    holds: (value, heartbeat) => value < heartbeat,
  },
  atLeast('framesPerSecond', 'messagesPerSecond', 'each message is a frame'),
  atLeast('framesBurst', 'messagesBurst', 'each message is a frame'),
];
