import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';

/** Where and when the figures were taken. */
export interface Machine {
  cpu: string;
  cores: number;
  memoryGiB: number;
  kernel: string;
  congestionControl: string;
  node: string;
  versions: Record<string, string>;
  commit: string;
  command: string;
  date: string;
  loadBefore: number[];
}

/** Describes the machine; called before the first measurement, so that the load is that of others. */
export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    congestionControl: readFileSync('/proc/sys/net/ipv4/tcp_congestion_control', 'utf8').trim(),
    node: process.version,
    versions: {
      ws: packageVersion('ws'),
      'socket.io': packageVersion('socket.io'),
      '@socket.io/redis-adapter': packageVersion('@socket.io/redis-adapter'),
      'nats-server': serverVersion('nats-server'),
      'redis-server': serverVersion('redis-server'),
      postgres: serverVersion('postgres'),
    },
    commit: commit(),
    command: `npm run bench${['', ...process.argv.slice(2)].join(' ')}`,
    date: new Date().toISOString(),
    loadBefore: loadavg().map((load) => Math.round(load * 100) / 100),
  };
}

function packageVersion(name: string): string {
  // Some packages do not export their package.json, so it is read as a file.
  const path = `node_modules/${name}/package.json`;
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
}

function serverVersion(program: string): string {
  return /\d+(\.\d+)+/.exec(firstLine(program, ['--version']))?.[0] ?? 'of unknown version';
}

function commit(): string {
  const head = firstLine('git', ['rev-parse', '--short=12', 'HEAD']);
  const changed = firstLine('git', ['status', '--porcelain', '--untracked-files=no']) !== '';
  return `${head}${changed ? ' with changes' : ''}`;
}

function firstLine(program: string, args: string[]): string {
  try {
    return (
      execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split('\n')[0] ??
      ''
    );
  } catch (error) {
    // The programs may lie outside PATH; what they would say is for the reader only.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
