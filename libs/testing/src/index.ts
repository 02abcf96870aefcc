export * from './servers';
export * from './clients';
export * from './history';
