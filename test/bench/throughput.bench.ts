import type { LoadResult } from './generator/commands';
import { Generator } from './generator/generator.handle';
import { totalCpu } from './measure/cpu';
import { median } from './measure/median';
import type { BenchOptions } from './options';
import {
  CONTENDERS,
  type Contender,
  PUBLISHERS_MAX,
  SCENARIOS,
  type Scenario,
  TEXT_BYTES,
} from './scenarios';
import type { RunningSystem, Shape, SystemName } from './systems';
import type { Fleet } from './fleet';

/** A contender in a scenario: medians over the rounds. */
export interface Figure {
  contender: Contender;
  /** Server CPU for each delivery, all server processes added up, in microseconds. */
  cpuUs: number;
  cpuUsRounds: number[];
  /** The same by role of the process, from the median round. */
  byRole: Record<string, number>;
  deliveriesPerSecond: number;
  messagesPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  /** Server CPU in cores, and the generator's, which is no part of the figure. */
  cores: number;
  generatorCores: number;
  lost: number;
  errors: Record<string, number>;
}

export interface ScenarioResult {
  scenario: Scenario;
  figures: Figure[];
  failures: string[];
}

interface Entrant {
  contender: Contender;
  system: RunningSystem;
  generator: Generator;
  rounds: LoadResult[];
}

/** The first run of a contender is thrown away and this much longer: the JIT is still at work. */
const FIRST_WARM_MS = 1_500;
/** How much of a failed system's log is shown, in characters. */
const LOG_SHOWN = 2_000;

/** Runs the chosen scenarios; contenders take turns, so that a busy machine hurts all of them alike. */
export async function throughputBench(
  fleet: Fleet,
  options: BenchOptions,
  say: (line: string) => void,
): Promise<ScenarioResult[]> {
  const scenarios = SCENARIOS.filter((scenario) => options.only.includes(scenario.name));
  const shapes = [...new Set(scenarios.map((scenario) => scenario.shape))];
  const results: ScenarioResult[] = [];
  for (const shape of shapes) {
    const generators = new Map<SystemName, Generator>();
    try {
      const failures: string[] = [];
      for (const name of options.systems) {
        const failure = await connect(fleet, name, shape, generators, say);
        if (failure !== undefined) failures.push(failure);
      }
      for (const scenario of scenarios.filter((one) => one.shape === shape)) {
        const result = await runScenario(scenario, fleet, generators, options, say);
        results.push({ ...result, failures: [...failures, ...result.failures] });
      }
    } finally {
      await Promise.all([...generators.values()].map((generator) => generator.close()));
    }
  }
  return results;
}

/** Starts a system if need be and connects its sockets. A system that fails is left out, and said so. */
async function connect(
  fleet: Fleet,
  name: SystemName,
  shape: Shape,
  generators: Map<SystemName, Generator>,
  say: (line: string) => void,
): Promise<string | undefined> {
  const generator = new Generator();
  let system: RunningSystem | undefined;
  try {
    system = await fleet.get(name);
    const access = await system.prepare(shape);
    const { sockets, ms } = await generator.connect({
      ...access,
      ...shape,
      publishersPerRoom: PUBLISHERS_MAX(shape),
      textBytes: TEXT_BYTES,
    });
    generators.set(name, generator);
    say(`  ${name}: ${sockets} sockets in ${Math.round(ms)} ms`);
    return undefined;
  } catch (error) {
    await generator.close();
    const failure = `${name}: ${(error as Error).message}`;
    say(`  ${failure}\n${system?.log().slice(-LOG_SHOWN) ?? ''}`);
    return failure;
  }
}

async function runScenario(
  scenario: Scenario,
  fleet: Fleet,
  generators: Map<SystemName, Generator>,
  options: BenchOptions,
  say: (line: string) => void,
): Promise<ScenarioResult> {
  say(scenario.title);
  const failures: string[] = [];
  const entrants: Entrant[] = [];
  for (const contender of CONTENDERS) {
    const generator = generators.get(contender.system);
    if (generator === undefined) continue;
    entrants.push({ contender, generator, system: await fleet.get(contender.system), rounds: [] });
  }
  for (let round = 0; round < options.rounds; round += 1) {
    for (const entrant of entrants) {
      const { contender, system, generator } = entrant;
      if (!generators.has(contender.system)) continue;
      try {
        const result = await generator.load({
          lane: contender.lane,
          publishersPerRoom: scenario.publishersPerRoom,
          inFlight: scenario.inFlight,
          warmMs: round === 0 && !options.quick ? FIRST_WARM_MS : options.warmMs,
          windowMs: options.windowMs,
          pids: system.pids,
        });
        entrant.rounds.push(result);
        say(`  ${round + 1} ${contender.title}: ${brief(result)}`);
      } catch (error) {
        const failure = `${contender.title}, ${scenario.name}: ${(error as Error).message}`;
        failures.push(failure);
        say(`  ${failure}\n${system.log().slice(-LOG_SHOWN)}`);
        // What has failed once is not waited for again in the rounds and scenarios to come.
        generators.delete(contender.system);
        await generator.close();
        await fleet.drop(contender.system, error as Error);
      }
    }
  }
  const figures = entrants.filter(({ rounds }) => rounds.length === options.rounds).map(figureOf);
  return { scenario, figures, failures };
}

function brief(result: LoadResult): string {
  const perDelivery = (totalCpu(result.cpuMs) * 1_000) / result.deliveries;
  const rate = Math.round(result.deliveries / result.seconds);
  const trouble = result.lost > 0 || Object.keys(result.errors).length > 0;
  return (
    `${perDelivery.toFixed(3)} µs, ${rate} deliveries/s, p99 ${result.latency.p99Ms.toFixed(2)} ms` +
    (trouble ? `; lost ${result.lost}, errors ${JSON.stringify(result.errors)}` : '')
  );
}

function figureOf({ contender, rounds }: Entrant): Figure {
  const cpuOf = (r: LoadResult): number => (totalCpu(r.cpuMs) * 1_000) / r.deliveries;
  const cpuUs = median(rounds.map(cpuOf));
  const middle = rounds.reduce((best, r) =>
    Math.abs(cpuOf(r) - cpuUs) < Math.abs(cpuOf(best) - cpuUs) ? r : best,
  );
  const byRole: Record<string, number> = {};
  for (const [role, ms] of Object.entries(middle.cpuMs)) byRole[role] = (ms * 1_000) / middle.deliveries;
  const errors: Record<string, number> = {};
  for (const round of rounds) {
    for (const [text, n] of Object.entries(round.errors)) errors[text] = (errors[text] ?? 0) + n;
  }
  return {
    contender,
    cpuUs,
    cpuUsRounds: rounds.map(cpuOf),
    byRole,
    deliveriesPerSecond: median(rounds.map((r) => r.deliveries / r.seconds)),
    messagesPerSecond: median(rounds.map((r) => r.published / r.seconds)),
    p50Ms: median(rounds.map((r) => r.latency.p50Ms)),
    p99Ms: median(rounds.map((r) => r.latency.p99Ms)),
    cores: median(rounds.map((r) => totalCpu(r.cpuMs) / 1_000 / r.seconds)),
    generatorCores: median(rounds.map((r) => r.generatorCpuMs / 1_000 / r.seconds)),
    lost: rounds.reduce((sum, r) => sum + r.lost, 0),
    errors,
  };
}
