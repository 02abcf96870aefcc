import type { SlowReaderResult } from '../slow-reader.bench';
import { SLOW_READER, inMiB } from '../slow-reader.bench';
import { type IdleResult, kib } from '../idle.bench';
import type { MicroResult } from '../micro';
import { type Figure, type ScenarioResult } from '../throughput.bench';
import type { Machine } from './machine';
import { verdicts } from './verdicts';

export interface BenchResults {
  machine: Machine;
  seconds: number;
  loadAfter: number[];
  throughput: ScenarioResult[];
  idle: IdleResult[];
  slowReader: SlowReaderResult[];
  slowReaderSeconds: number;
  micro: MicroResult[];
  failures: string[];
}

/** The results as a document. */
export function renderMarkdown(results: BenchResults): string {
  return [
    '# Results of `npm run bench`',
    machineTable(results),
    METHOD,
    targetTable(results),
    ...results.throughput.map(scenarioTable),
    idleTable(results),
    slowReaderTable(results),
    microTable(results),
    failureList(results),
  ]
    .filter((part) => part !== '')
    .join('\n\n')
    .concat('\n');
}

const METHOD = `How it is measured: the load generator is one process for each system, the same program with the
system's protocol in it; its CPU is not counted. A publisher sends texts of 200 bytes, and the next one
when its own copy has come back. CPU is user and system time of all server processes of the system,
databases and brokers with their children included, from \`/proc\`, divided by the deliveries that the
generator counted in the same window. Systems take turns, round by round; the median round counts, and the
smallest and the largest are shown. After each round every message must have reached every member. Socket.IO
and Troupe answer each publisher with an ack as well; bare \`ws\` and nats-server do not. Latency is from the
publisher's write to the parsed frame, queueing in the generator included; "cores" is the CPU that the servers
used, and beside it that of the generator, which has the same two cores.`;

function machineTable({ machine, seconds, loadAfter }: BenchResults): string {
  const versions = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`);
  return table(
    ['', ''],
    [
      ['Machine', `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB`],
      ['Kernel', `Linux ${machine.kernel}, ${machine.congestionControl}`],
      ['Node', machine.node],
      ['Peers', versions.join(', ')],
      ['Commit', machine.commit],
      ['Command', `\`${machine.command}\``],
      ['Date', `${machine.date}, ${Math.round(seconds)} s`],
      ['Load average', `${machine.loadBefore.join(' ')} before, ${loadAfter.join(' ')} after`],
    ],
  );
}

function targetTable({ throughput, idle }: BenchResults): string {
  const rows = verdicts(throughput).map((v) => [
    v.scenario,
    v.title,
    v.cpuUs.toFixed(3),
    `${v.ratio.toFixed(3)}× ${v.peerTitle} (${v.peerUs.toFixed(3)})`,
    `≤ ${v.target}×`,
    v.met ? 'yes' : '**no**',
  ]);
  const gateway = idle.find(({ system }) => system === 'troupe-distributed');
  if (gateway !== undefined) {
    const kb = gateway.rssBytes / 1_000;
    rows.push([
      `${gateway.sessions} idle sessions`,
      'Troupe gateway',
      '',
      `${kb.toFixed(1)} KB a session`,
      '≤ 10 KB',
      kb <= 10 ? 'yes' : '**no**',
    ]);
  }
  if (rows.length === 0) return '';
  return `## Targets\n\n${table(['scenario', 'system', 'µs CPU/delivery', 'ratio to', 'target', 'met'], rows)}`;
}

function scenarioTable({ scenario, figures }: ScenarioResult): string {
  const rows = figures.map((figure) => [
    figure.contender.title,
    `**${figure.cpuUs.toFixed(3)}**`,
    spread(figure),
    roles(figure),
    thousands(figure.deliveriesPerSecond),
    thousands(figure.messagesPerSecond),
    figure.p50Ms.toFixed(2),
    figure.p99Ms.toFixed(2),
    `${figure.cores.toFixed(2)} / ${figure.generatorCores.toFixed(2)}`,
    trouble(figure),
  ]);
  const head = [
    'system',
    'µs CPU/delivery',
    'min–max',
    'by process',
    'deliveries/s',
    'messages/s',
    'p50 ms',
    'p99 ms',
    'cores / generator',
    'lost, errors',
  ];
  return `## ${scenario.title}\n\n${table(head, rows)}`;
}

function spread({ cpuUsRounds }: Figure): string {
  return `${Math.min(...cpuUsRounds).toFixed(3)}–${Math.max(...cpuUsRounds).toFixed(3)}`;
}

function roles({ byRole }: Figure): string {
  const entries = Object.entries(byRole);
  if (entries.length < 2) return '';
  return entries.map(([role, us]) => `${role} ${us.toFixed(3)}`).join(', ');
}

function trouble({ lost, errors }: Figure): string {
  const texts = Object.entries(errors).map(([text, n]) => `${n}× ${text}`);
  return lost === 0 && texts.length === 0 ? 'none' : [`${lost} lost`, ...texts].join(', ');
}

function idleTable({ idle }: BenchResults): string {
  if (idle.length === 0) return '';
  const rows = idle.map((r) => [
    r.system,
    r.role,
    thousands(r.sessions),
    `**${kib(r.rssBytes)}**`,
    kib(r.heapBytes),
  ]);
  const head = ['system', 'process', 'sessions', 'KiB of RSS a session', 'KiB of heap and external'];
  return `## Idle sessions\n\nGrowth from before the first to after the last session, garbage collected at both.\n\n${table(head, rows)}`;
}

function slowReaderTable({ slowReader, slowReaderSeconds }: BenchResults): string {
  if (slowReader.length === 0) return '';
  const { sessions, stopped, perSecond, textBytes } = SLOW_READER;
  const rows = slowReader.map((r) => {
    const sum = (key: 'received' | 'announced' | 'gaps' | 'silent' | 'disordered'): number =>
      r.with.catchUp.reduce((total, one) => total + one[key], 0);
    return [
      r.system,
      r.without.latency.p99Ms.toFixed(2),
      `${r.with.latency.p99Ms.toFixed(2)} (${(r.with.latency.p99Ms / r.without.latency.p99Ms).toFixed(2)}×)`,
      megabytes(r.growthWithout),
      megabytes(r.growth),
      `${sum('received')} + ${sum('announced')} in ${sum('gaps')} gaps`,
      `${sum('silent')} / ${sum('disordered')} / ${r.with.catchUp.filter((one) => one.closed).length}`,
      `${r.without.lost} / ${r.with.lost}`,
    ];
  });
  const head = [
    'system',
    'p99 ms without',
    'with',
    'RSS growth without, MiB',
    'with',
    'the stopped got: messages + announced',
    'silently missing / disordered / closed',
    'lost by the others without / with',
  ];
  return (
    `## Slow readers\n\n${sessions} sessions in one room, texts of ${textBytes} bytes at ${perSecond}/s; ${stopped} ` +
    `sessions stop reading for ${slowReaderSeconds} s and then read again. The latency is that of the others; ` +
    `"without" is the same traffic with everybody reading.\n\n${table(head, rows)}`
  );
}

function megabytes(growth: Record<string, number>): string {
  return Object.entries(inMiB(growth))
    .map(([role, mib]) => `${role} ${mib}`)
    .join(', ');
}

function microTable({ micro }: BenchResults): string {
  if (micro.length === 0) return '';
  const rows = micro.map((r) => [r.title, r.measured, r.target, r.met ? 'yes' : '**no**', r.how]);
  return `## Inside one process\n\n${table(['what', 'measured', 'target', 'met', 'how'], rows)}`;
}

function failureList({ failures }: BenchResults): string {
  if (failures.length === 0) return '';
  const lines = failures.map((failure) => `- ${failure.split('\n')[0]}`);
  return `## Not measured\n\n${lines.join('\n')}`;
}

function thousands(n: number): string {
  return Math.round(n).toLocaleString('en-US');
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
