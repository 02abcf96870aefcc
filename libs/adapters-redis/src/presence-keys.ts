import { isId } from '@troupe/protocol';

/** Every prefix is in one hash slot, because the scripts make keys of users that only they know. */
export const PRESENCE_PREFIX_DEFAULT = 'troupe:{presence}:';

/** Names the keys of presence. All ids are checked: a bar, a colon or a brace in one would be another's key. */
export class PresenceKeys {
  readonly leases: string;
  readonly online: string;
  readonly sweep: string;

  constructor(readonly prefix: string) {
    this.leases = `${prefix}leases`;
    this.online = `${prefix}online`;
    this.sweep = `${prefix}sweep`;
  }

  gateway(gateway: string): string {
    return `${this.prefix}gateway:${checkedId(gateway)}`;
  }

  /** In the order in which the scripts list them. */
  batch(gateway: string): string[] {
    const of = (kind: string) => `${this.prefix}${kind}:${checkedId(gateway)}`;
    return [this.leases, of('gateway'), of('sessions'), of('closed'), of('ahead'), this.online, of('parts')];
  }

  user(user: string): string[] {
    return [`${this.prefix}user:${checkedId(user)}`, `${this.prefix}seen:${user}`];
  }
}

/** Gives the id back. Throws RangeError, with nothing of it in the message, if it is none. */
export function checkedId(id: string): string {
  if (!isId(id)) throw new RangeError('not a legal id');
  return id;
}
