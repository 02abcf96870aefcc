import type { PacedResult } from './generator/commands';
import { Generator } from './generator/generator.handle';
import { type RssByRole, RssSampler } from './measure/memory';
import type { BenchOptions } from './options';
import { type RunningSystem, type SystemName, startSystem } from './systems';

/** One system: the same traffic without and with readers that stop. */
export interface SlowReaderResult {
  system: SystemName;
  without: PacedResult;
  with: PacedResult;
  /** Peak of resident memory above its start while some did not read, by role, in bytes. */
  growth: RssByRole;
  growthWithout: RssByRole;
}

const SYSTEMS: readonly SystemName[] = ['ws-loop', 'socketio', 'troupe-distributed'];
/** Those that a quick run has time for. */
const QUICK_SYSTEMS: readonly SystemName[] = ['troupe-distributed'];
export const SLOW_READER = { sessions: 500, stopped: 10, textBytes: 1_024, perSecond: 200 } as const;
/** Ordinary traffic first, so that the heap has the size that the traffic itself asks for. */
const WARM_SECONDS = 3;
const CATCH_UP_MS = 15_000;
const SAMPLE_MS = 200;

/** Some sessions of one room stop reading, and read again later. Each system is started afresh and alone. */
export async function slowReaderBench(
  options: BenchOptions,
  say: (line: string) => void,
): Promise<{ results: SlowReaderResult[]; failures: string[] }> {
  const { sessions, stopped, perSecond } = SLOW_READER;
  say(
    `${stopped} of ${sessions} sessions stop reading for ${options.slowReaderSeconds} s at ${perSecond} messages/s`,
  );
  const results: SlowReaderResult[] = [];
  const failures: string[] = [];
  const systems = options.quick ? QUICK_SYSTEMS : SYSTEMS;
  for (const name of systems.filter((one) => options.systems.includes(one))) {
    let system: RunningSystem | undefined;
    try {
      system = await startSystem[name]({ settings: options.settings });
      const result = await measure(system, options.slowReaderSeconds);
      results.push(result);
      say(
        `  ${name}: p99 ${result.without.latency.p99Ms.toFixed(2)} ms without, ` +
          `${result.with.latency.p99Ms.toFixed(2)} ms with; growth ${JSON.stringify(inMiB(result.growth))} MiB ` +
          `(without ${JSON.stringify(inMiB(result.growthWithout))}); first of the stopped: ` +
          `${JSON.stringify(result.with.catchUp[0])}; errors ${JSON.stringify(result.with.errors)}`,
      );
    } catch (error) {
      failures.push(`${name}, slow reader: ${(error as Error).message}`);
      say(`  ${failures.at(-1)}\n${system?.log().slice(-2_000) ?? ''}`);
    } finally {
      await system?.stop();
    }
  }
  return { results, failures };
}

async function measure(system: RunningSystem, seconds: number): Promise<SlowReaderResult> {
  const generator = new Generator();
  try {
    const shape = { rooms: 1, membersPerRoom: SLOW_READER.sessions };
    const access = await system.prepare(shape);
    await generator.connect({
      ...access,
      ...shape,
      publishersPerRoom: 1,
      textBytes: SLOW_READER.textBytes,
    });
    const lane = 'durable' in access.lanes ? 'durable' : (Object.keys(access.lanes)[0] ?? '');
    const run = async (
      stopped: number,
      seconds: number,
    ): Promise<{ result: PacedResult; growth: RssByRole }> => {
      let sampler: RssSampler | undefined;
      let growth: RssByRole = {};
      const onPhase = (phase: 'stopped' | 'reading'): void => {
        if (phase === 'stopped') sampler = new RssSampler(system.pids, SAMPLE_MS);
        else growth = sampler?.stop() ?? {};
      };
      try {
        const { perSecond } = SLOW_READER;
        const result = await generator.paced(
          { lane, perSecond, warmSeconds: WARM_SECONDS, seconds, stopped, catchUpMs: CATCH_UP_MS },
          onPhase,
        );
        return { result, growth };
      } finally {
        sampler?.stop();
      }
    };
    const without = await run(0, Math.ceil(seconds / 3));
    const withStopped = await run(SLOW_READER.stopped, seconds);
    return {
      system: system.name,
      without: without.result,
      with: withStopped.result,
      growth: withStopped.growth,
      growthWithout: without.growth,
    };
  } finally {
    await generator.close();
  }
}

export function inMiB(bytes: RssByRole): Record<string, number> {
  return Object.fromEntries(
    Object.entries(bytes).map(([role, n]) => [role, Math.round((n / 1_048_576) * 10) / 10]),
  );
}
