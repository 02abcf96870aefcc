import { integer } from '../integer.setting';
import type { ServiceName } from '../service.names';

const usedBy: readonly ServiceName[] = ['room-actor'];

/** Owning partitions, mailboxes, and the way to the store. */
export const roomActorSettings = {
  leaseTtlMs: integer({
    meaning:
      'How long a room-actor owns its partitions without renewing; a killed pod is replaced after this and LEASE_POLL_MS. The LEASE_ settings are not used with the embedded database, whose directory is locked.',
    usedBy: ['room-actor', 'gateway'],
    unit: 'milliseconds',
    min: 500,
    max: 60_000,
    default: 2_000,
  }),
  leaseRenewMs: integer({
    meaning: 'How often leases are renewed.',
    usedBy,
    unit: 'milliseconds',
    min: 50,
    max: 20_000,
    default: 500,
  }),
  leasePollMs: integer({
    meaning: 'How often a pod looks for partitions without a living owner.',
    usedBy,
    unit: 'milliseconds',
    min: 20,
    max: 20_000,
    default: 250,
  }),
  mailboxMessagesMax: integer({
    meaning:
      'How many messages a room keeps for sessions that lag; older ones are dropped from their mailboxes, counted and announced as a gap.',
    usedBy,
    unit: 'messages',
    min: 1,
    max: 100_000,
    default: 1_000,
  }),
  mailboxBytesMax: integer({
    meaning: 'The same bound in bytes; whichever is reached first.',
    usedBy,
    unit: 'bytes',
    min: 1_024,
    max: 67_108_864,
    default: 1_048_576,
  }),
  dedupWindowMax: integer({
    meaning:
      'How many clientIds a room remembers in memory; for durable rooms the store knows the older ones.',
    usedBy,
    unit: 'clientIds',
    min: 0,
    max: 1_000_000,
    default: 1_000,
  }),
  roomIdleMs: integer({
    meaning: 'How long a room without traffic stays in memory.',
    usedBy,
    unit: 'milliseconds',
    min: 1_000,
    max: 86_400_000,
    default: 300_000,
  }),
  roomPendingMax: integer({
    meaning: 'How many messages of one room may wait for the store; beyond it publishes get room_busy.',
    usedBy,
    unit: 'messages',
    min: 1,
    max: 1_000_000,
    default: 2_000,
  }),
  storeBatchMessagesMax: integer({
    meaning: 'How many messages one commit may hold.',
    usedBy,
    unit: 'messages',
    min: 1,
    max: 10_000,
    default: 1_000,
  }),
  storeBatchBytesMax: integer({
    meaning: 'The same bound in bytes; whichever is reached first.',
    usedBy,
    unit: 'bytes',
    min: 1_024,
    max: 67_108_864,
    default: 1_048_576,
  }),
  storeQueueMax: integer({
    meaning: 'How many messages of the whole pod may wait for the store; beyond it publishes are refused.',
    usedBy,
    unit: 'messages',
    min: 1,
    max: 1_000_000,
    default: 20_000,
  }),
  storeTimeoutMs: integer({
    meaning: 'How long a statement may take before the store counts as unavailable.',
    usedBy: ['room-actor', 'gateway'],
    unit: 'milliseconds',
    min: 100,
    max: 120_000,
    default: 5_000,
  }),
  databasePoolMax: integer({
    meaning: 'How many connections to the database a process opens.',
    usedBy: ['room-actor', 'gateway'],
    unit: 'connections',
    min: 1,
    max: 100,
    default: 4,
  }),
  seqReserve: integer({
    meaning:
      'How many seqs a room that is not durable reserves at a time; a killed pod leaves a gap of at most this.',
    usedBy,
    unit: 'seqs',
    min: 1,
    max: 1_000_000,
    default: 1_000,
  }),
  edgeTtlMs: integer({
    meaning: 'A gateway not heard of for this long is forgotten, with its sessions.',
    usedBy,
    unit: 'milliseconds',
    min: 300,
    max: 600_000,
    default: 15_000,
  }),
  edgeAliveMs: integer({
    meaning: 'How often a gateway says that it is alive.',
    usedBy: ['room-actor', 'gateway'],
    unit: 'milliseconds',
    min: 50,
    max: 200_000,
    default: 3_000,
  }),
  resumeMessagesMax: integer({
    meaning:
      'How many missed messages a returning session is sent; what is older is announced as a gap and left to history.',
    usedBy,
    unit: 'messages',
    min: 1,
    max: 100_000,
    default: 1_000,
  }),
};
