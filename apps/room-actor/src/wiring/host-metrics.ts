import type { Metrics } from '@troupe/observability';
import { ROOM_KINDS, type RoomKind } from '@troupe/protocol';
import type { HostMetrics } from '../hosting/host-metrics';
import type { RoomHost } from '../hosting/room-host';
import { mailboxMetrics } from './mailbox-metrics';

/** The host's counts, in the catalogue's metrics. */
export function hostMetrics(metrics: Metrics): HostMetrics {
  const published = new Map(ROOM_KINDS.map((kind) => [kind, metrics.messagesPublished.by(kind)]));
  const mailboxes = mailboxMetrics(metrics);
  return {
    mailboxes,
    published: (kind: RoomKind) => published.get(kind)?.inc(),
    takenOver: (partitions) => metrics.partitionTakeovers.inc(partitions),
    fenced: () => metrics.fenceRejections.inc(),
    committed: (messages, seconds) => {
      metrics.storeCommit.observe(seconds);
      metrics.storeBatchSize.observe(messages);
    },
  };
}

/** What is read from the host at each scrape. */
export function watchHost(metrics: Metrics, host: RoomHost): void {
  metrics.partitionsOwned.from(() => host.leases.owned);
  metrics.roomsActive.from(() => host.roomsAwake);
  metrics.mailboxesLagging.from(() => host.mailboxesLagging);
}
