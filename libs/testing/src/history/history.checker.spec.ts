import { longestAckGaps } from './ack-gaps';
import { checkHistory, expectCorrectHistory } from './history.checker';
import { decodeHistory, encodeHistory, type HistoryEvent, type HistoryFact } from './history.events';
import { HistoryModel, type ModelStep } from './history.model';
import { INVARIANT_NAMES } from './invariant';
import { plantedFaults } from './planted-faults';

/** Two rooms, three sessions: pipelined sends, a repeat, a refusal, a lost publish, a take-over, a slow reader. */
function correctRun(): HistoryEvent[] {
  const model = new HistoryModel({ rooms: 2, sessions: 3 });
  const publish = (session: number, reply: 'ack' | 'repeat' | 'silence' = 'ack'): ModelStep => ({
    op: 'publish',
    session,
    room: 0,
    reply,
  });
  const steps: ModelStep[] = [
    publish(0),
    publish(0),
    publish(1, 'repeat'),
    { op: 'deliver', session: 0, room: 0, count: 2 },
    { op: 'takeover', room: 0 },
    { op: 'refuse', session: 2, room: 0 },
    { op: 'lose', session: 2, room: 0 },
    publish(1, 'silence'),
    publish(0),
    { op: 'drop', session: 2, room: 0, count: 3 },
    { op: 'publish', session: 1, room: 1, reply: 'ack' },
    publish(2),
    { op: 'close', session: 1 },
  ];
  for (const step of steps) model.step(step);
  return model.finish();
}

const numbered = (facts: HistoryFact[]): HistoryEvent[] => facts.map((fact, n) => ({ ...fact, n, at: n }));

describe('the checker of recorded histories', () => {
  it('finds nothing in a correct run', () => {
    expect(checkHistory(correctRun())).toEqual([]);
    expect(() => expectCorrectHistory(correctRun())).not.toThrow();
  });

  it.each(plantedFaults)('catches it when $name ($caughtBy)', ({ plant, caughtBy }) => {
    const faulty = plant(correctRun(), 1);
    expect(faulty).not.toBeNull();
    expect(checkHistory(faulty ?? []).map((v) => v.invariant)).toContain(caughtBy);
  });

  it('has a planted fault for every invariant', () => {
    expect(new Set(plantedFaults.map((f) => f.caughtBy))).toEqual(new Set(INVARIANT_NAMES));
  });

  it('gives a counter-example that names the session, the seqs and the place in the history', () => {
    const violations = checkHistory(
      numbered([
        { t: 'attach', session: 's1', room: 'r', head: 4 },
        { t: 'receive', session: 's1', room: 'r', seq: 8, id: 'm8', from: 'alice', text: 'eight' },
        { t: 'room', room: 'r', durable: false },
      ]),
    );
    expect(violations).toEqual([
      {
        invariant: 'gaps-announced',
        room: 'r',
        detail: 'session s1 got seq 8 without a word of 5..7 (n=1)',
      },
    ]);
  });

  it('requires a session that stayed to hear everything up to the end, and none of one that left', () => {
    const facts = (last: HistoryFact[]): HistoryEvent[] =>
      numbered([
        { t: 'attach', session: 's1', room: 'r', head: 0 },
        { t: 'send', session: 's2', room: 'r', sender: 'bob', clientId: 'c', attempt: '1', text: 'one' },
        { t: 'final', room: 'r', messages: [{ seq: 1, id: 'm1', from: 'bob', text: 'one' }] },
        ...last,
      ]);
    expect(checkHistory(facts([])).map((v) => v.detail)).toEqual([
      'session s1 stayed, but was never told of 1..1',
    ]);
    expect(checkHistory(facts([{ t: 'detach', session: 's1', room: null }]))).toEqual([]);
  });

  it('lets offline messages from before the attach point come first', () => {
    const log = [1, 2, 3].map((seq) => ({ seq, id: `m${seq}`, from: 'bob', text: `text ${seq}` }));
    expect(
      checkHistory(
        numbered([
          { t: 'room', room: 'r', foreign: true },
          { t: 'attach', session: 's1', room: 'r', head: 3 },
          { t: 'gap', session: 's1', room: 'r', from: 1, to: 1, count: 1 },
          ...log.slice(1).map((m): HistoryFact => ({ t: 'receive', session: 's1', room: 'r', ...m })),
          { t: 'final', room: 'r', messages: log },
        ]),
      ),
    ).toEqual([]);
  });

  it('reads back what it wrote as lines', () => {
    const run = correctRun();
    expect(decodeHistory(encodeHistory(run))).toEqual(run);
  });

  it('measures the longest time without an ack of each room, the edges of the window included', () => {
    const acks = [10, 20, 90].map((at, n): HistoryEvent => {
      const who = { session: 's', sender: 'a', clientId: `c${n}`, attempt: `${n}`, id: `m${n}` };
      return { t: 'ack', room: 'r', seq: n + 1, n, at, ...who };
    });
    expect(longestAckGaps(acks, ['r', 'silent'], { fromMs: 0, toMs: 100 })).toEqual([
      { room: 'silent', gapMs: 100, sinceMs: 0 },
      { room: 'r', gapMs: 70, sinceMs: 20 },
    ]);
  });
});
