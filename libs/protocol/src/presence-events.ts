import { z } from 'zod';
import type { ErrorCode } from './codes';
import { ERROR_CODES } from './codes';
import { idSchema } from './ids';
import { seqSchema } from './client-frames';

/** The most changes in one {@link SessionsMessage}; an edge with more sends several, with consecutive seqs. */
export const SESSION_CHANGES_MAX = 1_000;
/** The most sessions in one part of a restore: at the longest ids still far below the bus's payload limit. */
export const RESTORE_PART_SESSIONS_MAX = 1_000;
/** The most users that one query may ask for. */
export const PRESENCE_QUERY_USERS_MAX = 200;

const statusSchema = z.enum(['online', 'away', 'offline']);
export type PresenceStatus = z.infer<typeof statusSchema>;

const recordSchema = z.strictObject({
  user: idSchema,
  status: statusSchema,
  /** RFC 3339, UTC; null if the user was never seen. */
  lastSeen: z.string().nullable(),
  /** How many sessions are open. */
  sessions: z.number().int().min(0),
});
export type PresenceRecord = z.infer<typeof recordSchema>;

/** A session id is used once in the life of a gateway incarnation: it opens once, then closes once. */
const changeSchema = z.strictObject({
  user: idSchema,
  session: idSchema,
  change: z.enum(['opened', 'closed']),
});
export type SessionChange = z.infer<typeof changeSchema>;

/**
 * What a gateway incarnation tells presence, on `subjects.sessions`. Any presence pod may get any message, in any
 * order, and some may be lost. `seq` makes that harmless:
 *
 * - `changes`: the incarnation's batches are numbered 1, 2, 3 … without holes, one number for each message of this kind.
 *   A batch is applied once; a late `opened` never brings back a session that a later batch closed.
 * - `alive`: sent every PRESENCE_RENEW_MS, with the number of the last batch sent (0 if none). It renews the lease of
 *   all sessions of the incarnation, and shows presence which batches it never got.
 * - `restore`: the answer to `subjects.sessionsWanted(gateway)`: all sessions that are open after batch `seq`, in
 *   `parts` parts numbered from 0. Taken in one turn, so that it is the state at exactly that seq; what is not in it
 *   is closed once all parts have arrived. See {@link restoreMessages}.
 */
const messageSchema = z.discriminatedUnion('t', [
  z.strictObject({
    t: z.literal('changes'),
    gateway: idSchema,
    seq: seqSchema.min(1),
    changes: z.array(changeSchema).min(1).max(SESSION_CHANGES_MAX),
  }),
  z.strictObject({ t: z.literal('alive'), gateway: idSchema, seq: seqSchema }),
  z
    .strictObject({
      t: z.literal('restore'),
      gateway: idSchema,
      seq: seqSchema,
      part: z.number().int().min(0),
      parts: z.number().int().min(1).max(100_000),
      sessions: z.array(z.tuple([idSchema, idSchema])).max(RESTORE_PART_SESSIONS_MAX),
    })
    .refine((m) => m.part < m.parts, 'part must be less than parts'),
]);
export type SessionsMessage = z.infer<typeof messageSchema>;
export type SessionsRestore = Extract<SessionsMessage, { t: 'restore' }>;

export function encodeSessionsMessage(message: SessionsMessage): Buffer {
  return Buffer.from(JSON.stringify(message));
}

/** Checks a parsed message; null if it is none. Every id in the result is legal in a subject and in a key. */
export function parseSessionsMessage(value: unknown): SessionsMessage | null {
  return messageSchema.safeParse(value).data ?? null;
}

/** Cuts the sessions that are open after batch `seq` into the messages of one restore; none open is one message too. */
export function restoreMessages(
  gateway: string,
  seq: number,
  sessions: readonly (readonly [user: string, session: string])[],
): SessionsRestore[] {
  const parts = Math.max(1, Math.ceil(sessions.length / RESTORE_PART_SESSIONS_MAX));
  return Array.from({ length: parts }, (_, part) => ({
    t: 'restore',
    gateway,
    seq,
    part,
    parts,
    sessions: sessions
      .slice(part * RESTORE_PART_SESSIONS_MAX, (part + 1) * RESTORE_PART_SESSIONS_MAX)
      .map(([user, session]) => [user, session]),
  }));
}

/** A status change, public, on `subjects.presence(user)`. */
export interface PresenceNotice {
  user: string;
  status: PresenceStatus;
  lastSeen: string | null;
}

export function encodePresenceNotice({ user, status, lastSeen }: PresenceNotice): Buffer {
  return Buffer.from(JSON.stringify({ user, status, lastSeen }));
}

const noticeSchema = recordSchema.omit({ sessions: true });

/** Reads a notice; null if it is none. */
export function decodePresenceNotice(bytes: Uint8Array): PresenceNotice | null {
  return noticeSchema.safeParse(parseJson(bytes)).data ?? null;
}

/** A request on `subjects.presenceQuery`. */
const querySchema = z.strictObject({ users: z.array(idSchema).max(PRESENCE_QUERY_USERS_MAX) });
export type PresenceQuery = z.infer<typeof querySchema>;

export function encodePresenceQuery(query: PresenceQuery): Buffer {
  return Buffer.from(JSON.stringify(query));
}

export function parsePresenceQuery(value: unknown): PresenceQuery | null {
  return querySchema.safeParse(value).data ?? null;
}

const replySchema = z.union([
  z.strictObject({ users: z.array(recordSchema) }),
  z.strictObject({ error: z.enum(ERROR_CODES) }),
]);
/** One record per user asked for, in that order, or why there is none. */
export type PresenceReply = { users: PresenceRecord[] } | { error: ErrorCode };

/** Reads a reply; anything else than one is `internal`. */
export function decodePresenceReply(bytes: Uint8Array): PresenceReply {
  return replySchema.safeParse(parseJson(bytes)).data ?? { error: 'internal' };
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  } catch {
    return undefined;
  }
}
