/** Names under which adapters are bound to ports in the composition roots. */
export const MESSAGE_BUS = Symbol('MessageBus');
export const ROOM_STORE = Symbol('RoomStore');
export const LEASE_STORE = Symbol('LeaseStore');
export const ACCOUNT_STORE = Symbol('AccountStore');
export const ROOM_DIRECTORY = Symbol('RoomDirectory');
export const PRESENCE_STORE = Symbol('PresenceStore');
export const CLOCK = Symbol('Clock');
export const IDS = Symbol('Ids');
