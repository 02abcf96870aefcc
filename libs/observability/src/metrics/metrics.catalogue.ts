import { ERROR_CODES, ROOM_KINDS } from '@troupe/protocol';
import {
  counter,
  counterBy,
  gauge,
  gaugeOnceSet,
  histogram,
  type MetricDefinition,
} from './metric.definition';

/** From a turn on the loopback to the longest deadline of a publish. */
const LATENCY_SECONDS = [
  0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
] as const;
/** From a commit on a local disk to STORE_TIMEOUT_MS. */
const COMMIT_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5] as const;
/** From no grouping at all to STORE_BATCH_MESSAGES_MAX and beyond. */
const BATCH_MESSAGES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_000, 2_000, 5_000, 10_000] as const;

export const PRESENCE_LABELS = ['online', 'away', 'offline'] as const;

const byRoomKind = { label: 'kind', values: ROOM_KINDS } as const;

/**
 * Every metric of Troupe, by its field in {@link Metrics}. Names and labels are a contract with dashboards and alerts.
 * Labels are closed sets: an id of a user, a room or a session is never one.
 */
export const metricsCatalogue = {
  sessions: gauge('troupe_sessions', 'Open sessions.'),
  roomsActive: gauge('troupe_rooms_active', 'Rooms whose actor is in memory.'),
  messagesPublished: counterBy(
    'troupe_messages_published_total',
    'Messages that got a seq, repeats not counted, by kind of room.',
    byRoomKind,
  ),
  deliveries: counter('troupe_deliveries_total', 'Message frames handed to sockets.'),
  mailboxAccepted: counter(
    'troupe_mailbox_accepted_total',
    'Messages that entered mailboxes of lagging sessions. Equals delivered + dropped + waiting.',
  ),
  mailboxDelivered: counter(
    'troupe_mailbox_delivered_total',
    'Messages that left mailboxes for their session.',
  ),
  mailboxDropped: counterBy(
    'troupe_mailbox_dropped_total',
    'Messages that mailboxes dropped, each announced by a gap, by kind of room.',
    byRoomKind,
  ),
  mailboxWaiting: gauge('troupe_mailbox_waiting', 'Messages waiting in mailboxes.'),
  mailboxesLagging: gauge('troupe_mailboxes_lagging', 'Mailboxes of sessions that do not keep up.'),
  publishAck: histogram(
    'troupe_publish_ack_seconds',
    'From a publish at the edge to its ack.',
    LATENCY_SECONDS,
  ),
  delivery: histogram(
    'troupe_delivery_seconds',
    'From a publish accepted by the actor to its frame handed to a socket.',
    LATENCY_SECONDS,
  ),
  storeCommit: histogram('troupe_store_commit_seconds', 'Duration of a group commit.', COMMIT_SECONDS),
  storeBatchSize: histogram('troupe_store_batch_size', 'Messages in a group commit.', BATCH_MESSAGES),
  storeUp: gaugeOnceSet('troupe_store_up', '1 while the store answers, else 0.'),
  busConnected: gaugeOnceSet('troupe_bus_connected', '1 while messages can be sent over the bus, else 0.'),
  partitionsOwned: gauge('troupe_partitions_owned', 'Partitions that this pod owns.'),
  partitionTakeovers: counter(
    'troupe_partition_takeovers_total',
    'Partitions taken, whether free, released or expired.',
  ),
  fenceRejections: counter(
    'troupe_fence_rejections_total',
    'Writes that the store refused because the epoch was over.',
  ),
  repairs: counter(
    'troupe_repairs_total',
    'Holes in the stream from an actor to an edge that were sent again.',
  ),
  presenceOnlineUsers: gauge('troupe_presence_online_users', 'Users with at least one session.'),
  presenceTransitions: counterBy(
    'troupe_presence_transitions_total',
    'Status changes of users, by new status.',
    {
      label: 'to',
      values: PRESENCE_LABELS,
    },
  ),
  offlineQueued: counter('troupe_offline_queued_total', 'Messages put into offline deques.'),
  offlineDropped: counter('troupe_offline_dropped_total', 'Messages that full offline deques dropped.'),
  rejected: counterBy('troupe_rejected_total', 'Frames and calls answered with an error, by its code.', {
    label: 'code',
    values: ERROR_CODES,
  }),
} as const satisfies Record<string, MetricDefinition>;

export type MetricName = keyof typeof metricsCatalogue;

/** Gives the metrics as a Markdown table, for the documents. */
export function renderMetricsTable(): string {
  const rows = Object.values<MetricDefinition>(metricsCatalogue).map((metric) => {
    const labelled = metric.kind === 'labelled-counter';
    const type = labelled ? 'counter' : metric.kind;
    const labels = labelled ? `\`${metric.label}\`: ${metric.values.join(', ')}` : '';
    return `| \`${metric.name}\` | ${type} | ${labels} | ${metric.help} |`;
  });
  return ['| metric | type | labels | meaning |', '| --- | --- | --- | --- |', ...rows, ''].join('\n');
}
