import type { ConnectCommand } from '../generator/commands';

/** What can be started and measured. */
export const SYSTEM_NAMES = [
  'ws-loop',
  'ws-frame-once',
  'node-turn',
  'socketio',
  'socketio-redis',
  'nats',
  'troupe-embedded',
  'troupe-distributed',
] as const;
export type SystemName = (typeof SYSTEM_NAMES)[number];

/** How many rooms, and members in each. */
export interface Shape {
  rooms: number;
  membersPerRoom: number;
}

/** How the generator reaches a system: the part of its plan that the system decides. */
export type Access = Pick<ConnectCommand, 'driver' | 'endpoints' | 'lanes' | 'tokens'>;

/** A system of one or more server processes that the bench started. */
export interface RunningSystem {
  readonly name: SystemName;
  /** The processes by role, whose CPU and memory are counted together with their children's. */
  readonly pids: Record<string, number[]>;
  /** Makes users and rooms where the system needs them. */
  prepare(shape: Shape): Promise<Access>;
  /** What the servers have logged, for when a run fails. */
  log(): string;
  /** Ends all processes and removes their data. */
  stop(): Promise<void>;
}

export interface StartOptions {
  /** Preload the hook that collects garbage on SIGUSR2; see `measure/heap.ts`. */
  gcHook?: boolean;
  /** Settings for Troupe's services, over those of the bench. */
  settings?: Record<string, string>;
}

export type StartSystem = (options: StartOptions) => Promise<RunningSystem>;

/** Room ids for systems that make a room when somebody enters it. Ids are as long as Troupe's. */
export function roomIds(prefix: string, rooms: number): string[] {
  return Array.from({ length: rooms }, (_, i) => `${prefix}-${String(i).padStart(3, '0')}`);
}
