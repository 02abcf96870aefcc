import type { Settings } from '@troupe/config';
import type { OutletLimits } from './socket-outlet';

/** What one connection is allowed, from the gateway's settings. */
export interface ConnectionSettings {
  outlet: OutletLimits;
  framesPerSecond: number;
  framesBurst: number;
  messagesPerSecond: number;
  messagesBurst: number;
  badFramesMax: number;
  helloTimeoutMs: number;
  heartbeatMs: number;
  pongTimeoutMs: number;
  fragmentTimeoutMs: number;
  slowCloseMs: number;
  inFlightMax: number;
}

export function connectionSettings(s: Settings): ConnectionSettings {
  return {
    outlet: {
      highWaterBytes: s.socketHighWaterBytes,
      // Up to the high water, one piece of a room on top of it, one answer to a resume, and the lane of its own that
      // replies and events have.
      closeBytes:
        s.socketHighWaterBytes + 2 * s.resumePieceBytes + 2 * s.frameBytesMax + s.controlLaneBytesMax,
    },
    framesPerSecond: s.framesPerSecond,
    framesBurst: s.framesBurst,
    messagesPerSecond: s.messagesPerSecond,
    messagesBurst: s.messagesBurst,
    badFramesMax: s.badFramesMax,
    helloTimeoutMs: s.helloTimeoutMs,
    heartbeatMs: s.heartbeatMs,
    pongTimeoutMs: s.pongTimeoutMs,
    fragmentTimeoutMs: s.fragmentTimeoutMs,
    slowCloseMs: s.slowCloseMs,
    inFlightMax: s.inFlightMax,
  };
}
