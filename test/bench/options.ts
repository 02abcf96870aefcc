import { parseArgs } from 'node:util';
import { SYSTEM_NAMES, type SystemName } from './systems';

/** What the bench can measure, by the name that `--only` takes. */
export const BENCH_NAMES = [
  'broadcast-1',
  'broadcast-64',
  'broadcast-64-publishers',
  'rooms-1',
  'rooms-8',
  'idle',
  'slow-reader',
  'micro',
] as const;
export type BenchName = (typeof BENCH_NAMES)[number];

export interface BenchOptions {
  only: readonly BenchName[];
  systems: readonly SystemName[];
  rounds: number;
  warmMs: number;
  windowMs: number;
  idleSessions: number;
  slowReaderSeconds: number;
  /** Where the results go; undefined: only to the terminal. */
  out: string | undefined;
  /** Where all of what was measured goes as JSON, round by round; undefined: nowhere. */
  json: string | undefined;
  quick: boolean;
  /** Settings of Troupe that differ from those of the bench, by variable. */
  settings: Record<string, string>;
}

/** Only by name: how a batching server fares when its publishers do not come in one read. */
const ON_REQUEST: readonly BenchName[] = ['broadcast-64-publishers'];

export const USAGE = `npm run bench -- [--quick] [--only a,b] [--systems a,b] [--rounds n] [--set A=1] [--json file] [--no-write]
  --quick     one short round of everything, in two minutes
  --only      ${BENCH_NAMES.join(', ')}
  --systems   ${SYSTEM_NAMES.join(', ')}
  --set       NAME=VALUE, a setting for Troupe's services; may be repeated
  --rounds    how often each figure is taken; the median counts (default 3)
  --json      a file for all of what was measured, round by round
  --no-write  print the results, leave test/bench/results.md as it is`;

function chosen<T extends string>(
  given: string | undefined,
  known: readonly T[],
  flag: string,
): readonly T[] {
  if (given === undefined) return known;
  return given.split(',').map((name) => {
    const found = known.find((one) => one === name);
    if (found === undefined) throw new Error(`--${flag}: no ${name}; there are ${known.join(', ')}`);
    return found;
  });
}

function nameAndValue(assignment: string): [string, string] {
  const [, name, value] = /^([A-Z0-9_]+)=(.*)$/.exec(assignment) ?? [];
  if (name === undefined || value === undefined) throw new Error(`--set: ${assignment} is not NAME=VALUE`);
  return [name, value];
}

/** Reads the command line. Throws with a sentence for the user. */
export function parseOptions(args: string[]): BenchOptions {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      systems: { type: 'string' },
      rounds: { type: 'string' },
      set: { type: 'string', multiple: true, default: [] },
      json: { type: 'string' },
      'no-write': { type: 'boolean', default: false },
    },
  });
  const rounds = Number(values.rounds ?? (values.quick ? 1 : 3));
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds: a number from 1');
  const partial =
    values.only !== undefined || values.systems !== undefined || values.quick || values.set.length > 0;
  return {
    only: chosen(values.only, BENCH_NAMES, 'only').filter(
      (name) => values.only !== undefined || !ON_REQUEST.includes(name),
    ),
    systems: chosen(values.systems, SYSTEM_NAMES, 'systems'),
    rounds,
    warmMs: values.quick ? 400 : 500,
    windowMs: values.quick ? 700 : 1_600,
    idleSessions: values.quick ? 2_000 : 10_000,
    slowReaderSeconds: values.quick ? 4 : 30,
    // A partial run must not replace the results of a whole one.
    out: values['no-write'] || partial ? undefined : 'test/bench/results.md',
    json: values.json,
    quick: values.quick,
    settings: Object.fromEntries(values.set.map(nameAndValue)),
  };
}
