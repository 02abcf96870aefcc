import fc from 'fast-check';
import { checkHistory } from './history.checker';
import { HistoryModel, type ModelStep } from './history.model';
import { plantedFaults } from './planted-faults';

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
const index = fc.nat(7);
const count = fc.integer({ min: 1, max: 4 });

const step: fc.Arbitrary<ModelStep> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constant('publish' as const),
      session: index,
      room: index,
      reply: fc.constantFrom('ack' as const, 'ack' as const, 'repeat' as const, 'silence' as const),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ op: fc.constant('deliver' as const), session: index, room: index, count }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constant('drop' as const), session: index, room: index, count }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constantFrom('refuse' as const, 'lose' as const, 'attach' as const, 'leave' as const),
      session: index,
      room: index,
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('takeover' as const), room: index }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('close' as const), session: index }) },
);

const run = fc
  .record({
    rooms: fc.integer({ min: 1, max: 3 }),
    sessions: fc.integer({ min: 1, max: 4 }),
    steps: fc.array(step, { maxLength: 40 }),
  })
  .map(({ rooms, sessions, steps }) => {
    const model = new HistoryModel({ rooms, sessions });
    for (const s of steps) model.step(s);
    return model.finish();
  });

describe(`the checker on random runs (SEED=${seed})`, () => {
  it('passes every correct run', () => {
    fc.assert(
      fc.property(run, (history) => {
        expect(checkHistory(history)).toEqual([]);
      }),
      { seed, numRuns: 300 },
    );
  });

  it.each(plantedFaults)('catches it wherever $name', ({ plant, caughtBy }) => {
    fc.assert(
      fc.property(run, fc.nat(), (history, at) => {
        const faulty = plant(history, at);
        fc.pre(faulty !== null);
        expect(checkHistory(faulty ?? []).map((v) => v.invariant)).toContain(caughtBy);
      }),
      { seed, numRuns: 60 },
    );
  });
});
