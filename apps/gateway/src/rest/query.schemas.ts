import { PAGE_LIMIT_DEFAULT, type PageRequest } from '@troupe/people';
import type { HistoryPage } from '@troupe/ports';
import { HISTORY_LIMIT_MAX, idSchema, seqSchema } from '@troupe/protocol';
import { z } from 'zod';

/** A whole number as a query carries it. A parameter that comes twice is an array, and refused with the rest. */
const wholeNumber = z
  .string()
  .regex(/^\d{1,16}$/, 'must be a whole number')
  .transform(Number);
const limitSchema = wholeNumber.pipe(z.number().min(1).max(Number.MAX_SAFE_INTEGER)).optional();
const seqParameter = wholeNumber.pipe(seqSchema).optional();

/** A page of a list. */
export const pageQuery: z.ZodType<PageRequest> = z
  .strictObject({ limit: limitSchema, after: idSchema.optional() })
  .transform(({ limit, after }) => ({ limit: limit ?? PAGE_LIMIT_DEFAULT, after: after ?? null }));

/** A page of history; more than the largest page is clamped. */
export const historyQuery: z.ZodType<HistoryPage> = z
  .strictObject({ before: seqParameter, after: seqParameter, limit: limitSchema })
  .refine((q) => q.before === undefined || q.after === undefined, 'only one of before and after')
  .transform(({ before, after, limit: wanted }) => {
    const limit = Math.min(wanted ?? PAGE_LIMIT_DEFAULT, HISTORY_LIMIT_MAX);
    if (after !== undefined) return { limit, after };
    return before === undefined ? { limit } : { limit, before };
  });

/** How many users one call may ask about. */
export const PRESENCE_USERS_MAX = 200;

export const presenceQuery: z.ZodType<{ users: string[] }> = z
  .strictObject({ users: z.string().max(PRESENCE_USERS_MAX * 65) })
  .transform(({ users }) => ({ users: [...new Set(users.split(','))] }))
  .pipe(z.strictObject({ users: z.array(idSchema).max(PRESENCE_USERS_MAX) }));
