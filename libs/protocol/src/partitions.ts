/** Into how many slices all rooms are divided. Part of the wire contract between pods: never changed in place. */
export const PARTITIONS = 256;

/**
 * Gives the partition of a room: FNV-1a (32 bit) of its id, modulo {@link PARTITIONS}.
 * Every pod of every version must agree on it, so it is spelled out here rather than taken from a library.
 */
export function partitionOf(room: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < room.length; i++) {
    hash ^= room.charCodeAt(i);
    hash = Math.imul(hash, 0x01000193);
  }
  // The low bits of FNV-1a mix poorly for short ids; fold the high half in before taking the modulus.
  return ((hash >>> 16) ^ hash) & (PARTITIONS - 1);
}
