export * from './outlet';
export * from './subscription';
export * from './room-group';
export * from './room-link';
export * from './fanout';
