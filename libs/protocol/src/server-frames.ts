import type { ErrorCode } from './codes';
import type { Message, RoomKind } from './message';

export const GAP_REASONS = ['slow', 'resume_limit', 'offline_limit'] as const;
export type GapReason = (typeof GAP_REASONS)[number];

/** What the server tells a client about its limits, in `welcome`. */
export interface SessionLimits {
  frameBytesMax: number;
  textCodePointsMax: number;
  messagesPerSecond: number;
  messagesBurst: number;
}

export interface RoomHead {
  room: string;
  kind: RoomKind;
  head: number;
}

/** Every frame that the server sends. */
export type ServerFrame =
  | {
      type: 'welcome';
      id?: string;
      session: string;
      user: string;
      heartbeatMs: number;
      rooms: RoomHead[];
      limits: SessionLimits;
    }
  | ({ type: 'message'; offline?: true } & Message)
  | { type: 'ack'; id?: string; room: string; seq: number; messageId: string; at: string; clientId?: string }
  | { type: 'joined'; id?: string; room: string; head: number }
  | { type: 'left'; id?: string; room: string }
  | { type: 'member'; room: string; user: string; change: 'joined' | 'left' }
  | { type: 'room'; room: string; change: string }
  | { type: 'gap'; room: string; from: number; to: number; count: number; reason: GapReason }
  | { type: 'history'; id?: string; room: string; messages: Message[]; more: boolean }
  | { type: 'pong'; id?: string; at: string }
  | { type: 'error'; id?: string; code: ErrorCode; message: string; retryAfterMs?: number }
  | { type: 'bye'; reason: string; retryAfterMs: number };

export type ServerFrameType = ServerFrame['type'];

/** Shapes of the two replies that are sent most, without a general serialiser in the way. */
export function encodeAck(a: {
  id: string | undefined;
  room: string;
  seq: number;
  messageId: string;
  at: string;
  clientId: string | undefined;
}): string {
  const id = a.id === undefined ? '' : `"id":${JSON.stringify(a.id)},`;
  const clientId = a.clientId === undefined ? '' : `,"clientId":${JSON.stringify(a.clientId)}`;
  return `{"type":"ack",${id}"room":"${a.room}","seq":${a.seq},"messageId":"${a.messageId}","at":"${a.at}"${clientId}}`;
}

export function encodeGap(g: { room: string; from: number; to: number; reason: GapReason }): string {
  return `{"type":"gap","room":"${g.room}","from":${g.from},"to":${g.to},"count":${g.to - g.from + 1},"reason":"${g.reason}"}`;
}
