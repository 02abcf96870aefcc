export * from './servers';
export * from './clients';
export * from './history';
export * from './contracts/presence-store.contract';
export * from './contracts/message-bus.contract';
export { SimClock } from './sim-clock';
export { SimIds } from './sim-ids';
export { seededRandom, type SeededRandom } from './seeded-random';
