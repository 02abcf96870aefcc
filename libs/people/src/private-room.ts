import { createHash } from 'node:crypto';

const PRIVATE_ROOM_ID = /^p-[A-Za-z0-9_-]{32}$/;

/**
 * Gives the id of the private room of two users, whoever asks first.
 *
 * It follows from the pair, so two people who open it at once make one room, and no index of pairs is needed.
 * 192 bits of SHA-256: nobody can find another pair with the same room. A dot cannot be part of an id, so two
 * different pairs never give the same text to hash.
 */
export function privateRoomId(a: string, b: string): string {
  const [first, second] = a < b ? [a, b] : [b, a];
  const hash = createHash('sha256').update(`${first}.${second}`).digest('base64url');
  return `p-${hash.slice(0, 32)}`;
}

/** Tells whether an id has the form that is kept for private rooms; anything else there would squat on a pair. */
export function isPrivateRoomId(id: string): boolean {
  return PRIVATE_ROOM_ID.test(id);
}
