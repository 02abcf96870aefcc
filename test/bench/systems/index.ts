import { startNatsWebSocket } from './nats.system';
import { singlePeer, startSocketioRedis } from './peers.system';
import type { StartSystem, SystemName } from './system';
import { startTroupeDistributed, startTroupeEmbedded } from './troupe.system';

export { SYSTEM_NAMES } from './system';
export type { RunningSystem, Shape, StartOptions, SystemName } from './system';

export const startSystem: Record<SystemName, StartSystem> = {
  'ws-loop': singlePeer('ws-loop', 'plain'),
  'ws-frame-once': singlePeer('ws-frame-once', 'plain'),
  'node-turn': singlePeer('node-turn', 'plain'),
  socketio: singlePeer('socketio', 'socketio'),
  'socketio-redis': startSocketioRedis,
  nats: startNatsWebSocket,
  'troupe-embedded': startTroupeEmbedded,
  'troupe-distributed': startTroupeDistributed,
};
