import { integer } from '../integer.setting';
import type { ServiceName } from '../service.names';
import { origins } from '../text.setting';

const usedBy: readonly ServiceName[] = ['gateway'];

/** Sockets: what one may send, how much waits for it, when it is given up. */
export const gatewaySettings = {
  publishDeadlineMs: integer({
    meaning: 'How long a publish is tried again before it is answered with unavailable.',
    usedBy,
    unit: 'milliseconds',
    min: 100,
    max: 120_000,
    default: 5_000,
  }),
  frameBytesMax: integer({
    meaning: 'The longest frame that a client may send; a longer one closes the socket with 1009.',
    usedBy,
    unit: 'bytes',
    min: 1_024,
    // Well under the 1 MiB that a NATS server takes, with room for what the hop adds around it.
    max: 524_288,
    default: 65_536,
  }),
  fragmentsMax: integer({
    meaning: 'Into how many fragments a client may cut one frame.',
    usedBy,
    unit: 'fragments',
    min: 1,
    max: 16_384,
    default: 64,
  }),
  fragmentTimeoutMs: integer({
    meaning: 'How long a frame may stay half sent.',
    usedBy,
    unit: 'milliseconds',
    min: 100,
    max: 300_000,
    default: 10_000,
  }),
  socketHighWaterBytes: integer({
    meaning: 'Unsent bytes of one socket beyond which it lags: its messages wait in its mailbox instead.',
    usedBy,
    unit: 'bytes',
    min: 4_096,
    max: 67_108_864,
    default: 262_144,
  }),
  slowCloseMs: integer({
    meaning:
      'How long a client may read nothing while something is sent to it, before it is closed with 4008.',
    usedBy,
    unit: 'milliseconds',
    min: 1_000,
    max: 3_600_000,
    default: 60_000,
  }),
  resumePieceBytes: integer({
    meaning: 'How much of a mailbox is fetched at a time for a session that can take more.',
    usedBy,
    unit: 'bytes',
    min: 1_024,
    // A piece is one bus message at most: see FRAME_BYTES_MAX.
    max: 524_288,
    default: 65_536,
  }),
  controlLaneBytesMax: integer({
    meaning:
      'How many bytes of control frames (acks, errors, gaps) may wait for one socket; beyond it the socket is closed with 4008.',
    usedBy,
    unit: 'bytes',
    min: 4_096,
    max: 16_777_216,
    default: 65_536,
  }),
  heartbeatMs: integer({
    meaning: 'How often a silent socket is pinged.',
    usedBy,
    unit: 'milliseconds',
    min: 100,
    max: 600_000,
    default: 25_000,
  }),
  pongTimeoutMs: integer({
    meaning: 'How long the answer to a ping may take before the socket counts as dead.',
    usedBy,
    unit: 'milliseconds',
    min: 50,
    max: 300_000,
    default: 8_000,
  }),
  helloTimeoutMs: integer({
    meaning: 'How long a socket may stay without a hello before it is closed with 4028.',
    usedBy,
    unit: 'milliseconds',
    min: 100,
    max: 60_000,
    default: 5_000,
  }),
  messagesPerSecond: integer({
    meaning: 'How many messages a session may publish, lastingly; beyond it they get rate_limited.',
    usedBy,
    unit: 'messages per second',
    min: 1,
    max: 1_000_000,
    default: 500,
  }),
  messagesBurst: integer({
    meaning: 'How many messages a session may publish at once.',
    usedBy,
    unit: 'messages',
    min: 1,
    max: 1_000_000,
    default: 1_000,
  }),
  framesPerSecond: integer({
    meaning: 'How many frames of any type a session may send, lastingly; beyond it is flooding, 4029.',
    usedBy,
    unit: 'frames per second',
    min: 1,
    max: 1_000_000,
    default: 1_000,
  }),
  framesBurst: integer({
    meaning: 'How many frames of any type a session may send at once.',
    usedBy,
    unit: 'frames',
    min: 1,
    max: 1_000_000,
    default: 2_000,
  }),
  connectionsMax: integer({
    meaning: 'How many sockets one gateway holds; further upgrades are refused.',
    usedBy,
    unit: 'connections',
    min: 1,
    max: 1_000_000,
    default: 50_000,
  }),
  inFlightMax: integer({
    meaning: 'How many publishes of one session may be without an answer.',
    usedBy,
    unit: 'messages',
    min: 1,
    max: 100_000,
    default: 1_000,
  }),
  badFramesMax: integer({
    meaning: 'The bad frame that closes a socket with 4500, counted over a minute.',
    usedBy,
    unit: 'frames per minute',
    min: 1,
    max: 10_000,
    default: 5,
  }),
  allowedOrigins: origins({
    meaning: 'Browser origins that may open a WebSocket.',
    usedBy,
  }),
};
