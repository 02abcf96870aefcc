import type { Settings } from '@troupe/config';
import type { RoomHostSettings } from '../hosting/room-host';

export function hostSettings(s: Settings): RoomHostSettings {
  return {
    room: {
      ring: { messagesMax: s.mailboxMessagesMax, bytesMax: s.mailboxBytesMax },
      pendingMax: s.roomPendingMax,
      recentMax: s.dedupWindowMax,
      resumeMax: s.resumeMessagesMax,
    },
    commit: {
      batchMessagesMax: s.storeBatchMessagesMax,
      batchBytesMax: s.storeBatchBytesMax,
      queueMax: s.storeQueueMax,
    },
    lease: { ttlMs: s.leaseTtlMs, renewMs: s.leaseRenewMs, pollMs: s.leasePollMs },
    edgeTtlMs: s.edgeTtlMs,
    roomIdleMs: s.roomIdleMs,
    seqReserve: s.seqReserve,
  };
}
