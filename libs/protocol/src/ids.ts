import { z } from 'zod';

/** What every id on the outside matches: one legal NATS token, one legal Redis key part. */
export const ID_PATTERN = /^[A-Za-z0-9_-]{1,64}$/;

declare const brand: unique symbol;

/** A user or service id that has passed {@link ID_PATTERN}. */
export type UserId = string & { readonly [brand]?: 'user' };
/** A room id that has passed {@link ID_PATTERN}. */
export type RoomId = string & { readonly [brand]?: 'room' };

/** Tells whether `value` may be part of a subject, a key or a path. */
export function isId(value: unknown): value is string {
  return typeof value === 'string' && ID_PATTERN.test(value);
}

export const idSchema = z.string().regex(ID_PATTERN, 'must match [A-Za-z0-9_-]{1,64}');
