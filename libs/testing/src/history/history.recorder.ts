import { writeFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import type { Message } from '@troupe/protocol';
import {
  encodeHistory,
  type HistoryEvent,
  type HistoryFact,
  type RoomFact,
  type RowFact,
} from './history.events';

/**
 * Collects the facts of one run in the order in which they were seen.
 * All sessions of a run share one recorder, so that `n` orders what happened across them.
 */
export class HistoryRecorder {
  readonly events: HistoryEvent[] = [];

  constructor(private readonly nowMs: () => number = () => performance.now()) {}

  add(fact: HistoryFact): HistoryEvent {
    const event = { ...fact, n: this.events.length, at: this.nowMs() };
    this.events.push(event);
    return event;
  }

  /** Notes that a room is not durable, or that others publish there too. */
  room(room: string, about: Omit<RoomFact, 't' | 'room'>): void {
    this.add({ t: 'room', room, ...about });
  }

  /** Notes the whole history of a room, once everything has come to rest. */
  final(room: string, messages: readonly Message[]): void {
    const logged = messages.map(({ seq, id, from, text }) => ({ seq, id, from, text }));
    this.add({ t: 'final', room, messages: logged });
  }

  rows(rows: readonly Omit<RowFact, 't'>[]): void {
    for (const row of rows) this.add({ t: 'row', ...row });
  }

  /** Keeps the run for later, one JSON object a line. */
  writeTo(path: string): void {
    writeFileSync(path, encodeHistory(this.events));
  }
}
