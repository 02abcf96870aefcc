import { z } from 'zod';
import { idSchema } from './ids';
import type { JsonObject } from './message';

/** The longest text of a message, in Unicode code points. */
export const TEXT_CODE_POINTS_MAX = 4_000;
/** The longest text of a message, in bytes of UTF-8. */
export const TEXT_BYTES_MAX = 16_384;
/** How many rooms one `hello` may resume. */
export const RESUME_ROOMS_MAX = 1_000;
/** The largest page of history. */
export const HISTORY_LIMIT_MAX = 200;

function codePointsWithin(text: string, max: number): boolean {
  if (text.length <= max) return true;
  let count = 0;
  for (const _ of text) if (++count > max) return false;
  return true;
}

const frameId = z.string().max(64).optional();
export const seqSchema = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

/** Postgres text cannot hold NUL, and a lone surrogate is not UTF-8: both would change on the way. */
export const textSchema = z
  .string()
  .refine((t) => codePointsWithin(t, TEXT_CODE_POINTS_MAX), `at most ${TEXT_CODE_POINTS_MAX} characters`)
  .refine((t) => !t.includes('\u0000'), 'must not contain NUL')
  .refine((t) => t.isWellFormed(), 'must be well-formed Unicode');

export const clientIdSchema = z
  .string()
  .min(1)
  .max(64)
  .refine((t) => !t.includes('\u0000') && t.isWellFormed(), 'must be well-formed text without NUL');

const DATA_DEPTH_MAX = 16;

const storableText = (t: string): boolean => !t.includes('\u0000') && t.isWellFormed();

/** What is wrong with `data`, or undefined. Looks no deeper than the bound, so that depth cannot overflow the stack. */
function dataProblem(value: unknown, depth: number): string | undefined {
  if (typeof value === 'string')
    return storableText(value) ? undefined : 'must be well-formed text without NUL';
  // JSON.parse reads 1e400 as Infinity, which would be stored as null.
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : 'has a number out of range';
  if (typeof value !== 'object' || value === null) return undefined;
  if (depth === 0) return 'nested too deeply';
  for (const [key, inner] of Object.entries(value)) {
    if (!storableText(key)) return 'must be well-formed text without NUL';
    if (key === '__proto__') return 'must not have a key __proto__';
    const problem = dataProblem(inner, depth - 1);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/**
 * `data` is stored and echoed, so it is kept shallow: deep JSON parses, but overflows the stack of what reads it later.
 * Checked as it came: a record schema would first drop a key `__proto__` without a word.
 */
export const dataSchema = z.custom<JsonObject>().check((ctx) => {
  const { value } = ctx;
  const message =
    typeof value !== 'object' || value === null || Array.isArray(value)
      ? 'must be an object'
      : dataProblem(value, DATA_DEPTH_MAX);
  if (message !== undefined) ctx.issues.push({ code: 'custom', message, input: value });
});

export const clientFrames = {
  hello: z.strictObject({
    type: z.literal('hello'),
    id: frameId,
    token: z.string().max(8_192).optional(),
    device: z.string().min(1).max(64).optional(),
    resume: z
      .record(idSchema, seqSchema)
      .refine((r) => Object.keys(r).length <= RESUME_ROOMS_MAX, `at most ${RESUME_ROOMS_MAX} rooms`)
      .optional(),
  }),
  message: z
    .strictObject({
      type: z.literal('message'),
      id: frameId,
      room: idSchema.optional(),
      to: idSchema.optional(),
      text: textSchema,
      data: dataSchema.optional(),
      clientId: clientIdSchema.optional(),
    })
    .refine((f) => (f.room === undefined) !== (f.to === undefined), 'exactly one of room and to'),
  join: z.strictObject({ type: z.literal('join'), id: frameId, room: idSchema }),
  leave: z.strictObject({ type: z.literal('leave'), id: frameId, room: idSchema }),
  group_join: z.strictObject({ type: z.literal('group_join'), id: frameId, room: idSchema }),
  group_leave: z.strictObject({ type: z.literal('group_leave'), id: frameId, room: idSchema }),
  history: z.strictObject({
    type: z.literal('history'),
    id: frameId,
    room: idSchema,
    before: seqSchema.optional(),
    after: seqSchema.optional(),
    limit: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER).optional(),
  }),
  ping: z.strictObject({ type: z.literal('ping'), id: frameId }),
} as const;

export type ClientFrameType = keyof typeof clientFrames;
export type ClientFrame = { [K in ClientFrameType]: z.infer<(typeof clientFrames)[K]> }[ClientFrameType];
export type ClientFrameOf<K extends ClientFrameType> = z.infer<(typeof clientFrames)[K]>;

// A Map, not the object itself: `type: "__proto__"` or "constructor" must not find anything.
const schemas = new Map<string, z.ZodType<ClientFrame>>(Object.entries(clientFrames));

/** What is wrong with a frame, in one sentence that repeats nothing of what the client sent. */
export interface FrameProblem {
  problem: string;
  code: 'bad_frame' | 'bad_request';
  id?: string;
}

/**
 * Checks one text frame. `bad_frame`: not a JSON object with a known `type`, counts towards closing.
 * `bad_request`: a known frame with a wrong field, answered and forgotten.
 */
export function parseClientFrame(text: string): ClientFrame | FrameProblem {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { problem: 'not JSON', code: 'bad_frame' };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { problem: 'not a JSON object', code: 'bad_frame' };
  }
  const { type, id } = value as { type?: unknown; id?: unknown };
  const echo = typeof id === 'string' && id.length <= 64 ? { id } : {};
  const schema = typeof type === 'string' ? schemas.get(type) : undefined;
  if (!schema) return { problem: 'unknown or missing type', code: 'bad_frame', ...echo };
  // Own `__proto__` keys are legal JSON and strip silently in places; refuse them before any schema looks.
  if (Object.hasOwn(value, '__proto__')) return { problem: 'unknown field', code: 'bad_request', ...echo };
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  // The path may hold a key that the client chose; only schema-known names are repeated.
  const path =
    issue?.path.length === 1 && issue.code !== 'unrecognized_keys' ? `${String(issue.path[0])}: ` : '';
  return {
    problem: `${path}${issue?.code === 'unrecognized_keys' ? 'unknown field' : (issue?.message ?? 'invalid')}`,
    code: 'bad_request',
    ...echo,
  };
}
