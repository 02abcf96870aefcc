export * from './edge-sink';
export * from './room.output';
export * from './room.policies';
export * from './sequencer';
export * from './room';
export * from './backlog';
export type { LoadedRoom, Stamp } from './lifecycle';
