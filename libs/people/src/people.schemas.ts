import { z } from 'zod';

/** The most members that one call may bring into a room. */
export const NEW_ROOM_MEMBERS_MAX = 500;

const CONTROL = /\p{Cc}/u;

/** Text in one line that people read: no control characters (a line break would end a mail header), not blank. */
function lineSchema(max: number) {
  return z
    .string()
    .max(max * 4)
    .refine((t) => t.isWellFormed() && !CONTROL.test(t), 'must be one line of well-formed text')
    .refine((t) => /\S/u.test(t) && [...t].length <= max, `must have 1 to ${max} characters`);
}

/** A person's name. */
export const nameSchema = lineSchema(100);
/** A room's title. */
export const titleSchema = lineSchema(100);

/** A new password. Lone surrogates are refused: in UTF-8 they all become the same character. */
export const passwordSchema = z
  .string()
  .max(1_024)
  .refine((t) => t.isWellFormed(), 'must be well-formed text')
  .refine((t) => [...t].length >= 8 && [...t].length <= 256, 'must have 8 to 256 characters');
