/** The processes that can be started, each from its own entry file. */
export const SERVICE_NAMES = ['gateway', 'room-actor', 'presence', 'standalone'] as const;
export type ServiceName = (typeof SERVICE_NAMES)[number];
