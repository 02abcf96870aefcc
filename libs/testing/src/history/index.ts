export * from './history.events';
export { HistoryRecorder } from './history.recorder';
export { SessionRecorder } from './session.recorder';
export { checkHistory, expectCorrectHistory, invariants } from './history.checker';
export { INVARIANT_NAMES, type Invariant, type InvariantName, type Violation } from './invariant';
export { longestAckGaps, type AckGap } from './ack-gaps';
