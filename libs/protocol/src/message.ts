/** A JSON object that a service may attach to a message. */
export type JsonObject = { [key: string]: unknown };

/** A message, everywhere: REST, WebSocket and NATS. */
export interface Message {
  room: string;
  /** Position in the room: 1, 2, 3 … without holes, never reused. */
  seq: number;
  /** UUIDv7, made by the server. */
  id: string;
  /** A user or service id. */
  from: string;
  text: string;
  /** RFC 3339, UTC. */
  at: string;
  data?: JsonObject;
}

export const ROOM_KINDS = ['private', 'group', 'channel'] as const;
export type RoomKind = (typeof ROOM_KINDS)[number];

export const OVERFLOW_MODES = ['drop-oldest', 'disconnect'] as const;
/** What happens to a session whose mailbox is full. */
export type OverflowMode = (typeof OVERFLOW_MODES)[number];

export const ROLES = ['owner', 'admin', 'member'] as const;
export type Role = (typeof ROLES)[number];

/** The message as the members' sockets get it, without the WebSocket header. The ids are safe to paste; text is escaped. */
export function encodeMessageFrame(m: Message): string {
  return `{"type":"message",${encodeMessageFields(m)}}`;
}

/** The message as history and events carry it. */
export function encodeMessage(m: Message): string {
  return `{${encodeMessageFields(m)}}`;
}

function encodeMessageFields(m: Message): string {
  const data = m.data === undefined ? '' : `,"data":${JSON.stringify(m.data)}`;
  return `"room":"${m.room}","seq":${m.seq},"id":"${m.id}","from":"${m.from}","text":${JSON.stringify(m.text)},"at":"${m.at}"${data}`;
}
