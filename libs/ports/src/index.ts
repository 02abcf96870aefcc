export * from './message-bus.port';
export * from './room-store.port';
export * from './lease-store.port';
export * from './clock.port';
export * from './directory.port';
export * from './presence-store.port';
export * from './tokens';
