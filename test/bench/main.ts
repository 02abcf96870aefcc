import { mkdirSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { dirname } from 'node:path';
import { Fleet } from './fleet';
import { idleBench } from './idle.bench';
import { MICRO_BENCHES, type MicroResult } from './micro';
import { type BenchOptions, USAGE, parseOptions } from './options';
import { describeMachine } from './report/machine';
import { type BenchResults, renderMarkdown } from './report/markdown';
import { slowReaderBench } from './slow-reader.bench';
import { throughputBench } from './throughput.bench';

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function run(options: BenchOptions): Promise<BenchResults> {
  const machine = describeMachine();
  const start = performance.now();
  say(
    `${machine.cpu}, ${machine.cores} cores; load ${machine.loadBefore.join(' ')}; commit ${machine.commit}`,
  );
  const fleet = new Fleet({ settings: options.settings });
  const throughput = await throughputBench(fleet, options, say).finally(() => fleet.stop());
  const wants = (name: 'idle' | 'slow-reader' | 'micro'): boolean => options.only.includes(name);
  const nothing = { results: [], failures: [] };
  const idle = wants('idle') ? await idleBench(options, say) : nothing;
  const slowReader = wants('slow-reader') ? await slowReaderBench(options, say) : nothing;
  const micro: MicroResult[] = [];
  for (const bench of wants('micro') ? MICRO_BENCHES : []) micro.push(...(await bench()));
  return {
    machine,
    seconds: (performance.now() - start) / 1_000,
    loadAfter: loadavg().map((load) => Math.round(load * 100) / 100),
    throughput,
    idle: idle.results,
    slowReader: slowReader.results,
    slowReaderSeconds: options.slowReaderSeconds,
    micro,
    failures: [
      ...new Set([...throughput.flatMap((one) => one.failures), ...idle.failures, ...slowReader.failures]),
    ],
  };
}

function write(results: BenchResults, options: BenchOptions): void {
  const markdown = renderMarkdown(results);
  say(`\n${markdown}`);
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(results, null, 2)}\n`);
  if (options.out === undefined) return;
  mkdirSync(dirname(options.out), { recursive: true });
  writeFileSync(options.out, markdown);
  say(`written to ${options.out}`);
}

let options: BenchOptions;
try {
  options = parseOptions(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n\n${USAGE}\n`);
  process.exit(2);
}
// Servers end with this process; ending in order lets it remove its directories.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
run(options)
  .then((results) => write(results, options))
  .catch((error: Error) => {
    process.stderr.write(`${error.stack ?? error.message}\n`);
    process.exitCode = 1;
  });
