export * from './outlet';
export * from './room-group';
export * from './room-link';
export * from './fanout';
