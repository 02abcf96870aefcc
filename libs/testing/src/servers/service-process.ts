import { get } from 'node:http';
import { resolve } from 'node:path';
import { freePort } from './free-port';
import { type ProcessExit, type SupervisedProcess, superviseProcess } from './supervised-process';
import { untilSucceeds, withinMs } from './until';

const READY_MS_MAX = 20_000;
const STOP_MS_MAX = 15_000;
const PROBE_MS_MAX = 2_000;

export interface ServiceOptions {
  /** As in messages: `gateway-1`. */
  name: string;
  /** The built main file, absolute or from the working directory: `dist/apps/gateway/src/main.js`. */
  entry: string;
  /**
   * The service's settings: all that it gets beside PATH, HOME, TMPDIR and `NODE_ENV=test`.
   * `HEALTH_PORT` is added with a free port unless it is given.
   */
  env: Record<string, string>;
  /** Ready means that the output matches; default: that `GET /readyz` on HEALTH_PORT answers 200. */
  readyPattern?: RegExp;
  /** Default true. False: resolves as soon as the process is there, for services that are meant to refuse. */
  awaitReady?: boolean;
  /** Default 20,000. */
  readyMsMax?: number;
  /** Flags for Node itself: `--max-old-space-size=128`. */
  nodeArgs?: readonly string[];
}

/** One of our services as a process of its own. It dies with the process that started it, however that ends. */
export interface ServiceProcess {
  readonly name: string;
  readonly pid: number;
  readonly healthPort: number;
  /** Resolves when it has ended. Never rejects. */
  readonly exited: Promise<ProcessExit>;
  /** stdout and stderr as they came, the last MiB. */
  output(): string;
  /** Signals it. Nothing happens once it has ended. */
  kill(signal: NodeJS.Signals): void;
  /** Ends it by SIGTERM, after 15 s by SIGKILL. Says how it ended. Idempotent. */
  stop(): Promise<ProcessExit>;
  /** Resolves when it is ready; throws with its output when it ends first or the deadline passes. */
  untilReady(deadlineMs?: number): Promise<void>;
  /** Resolves to the match when the output matches; throws as `untilReady`. */
  untilOutput(pattern: RegExp, deadlineMs?: number): Promise<RegExpExecArray>;
}

/** Starts a service and waits until it is ready. If it does not become ready it is killed, and its output thrown. */
export async function spawnService(options: ServiceOptions): Promise<ServiceProcess> {
  const healthPort = Number(options.env['HEALTH_PORT'] ?? (await freePort()));
  const running = superviseProcess({
    program: process.execPath,
    args: [...(options.nodeArgs ?? []), resolve(options.entry)],
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      TMPDIR: process.env['TMPDIR'],
      NODE_ENV: 'test',
      ...options.env,
      HEALTH_PORT: `${healthPort}`,
    },
    cwd: process.cwd(),
    user: null,
    orphanedDir: null,
    orphanSignal: 'SIGKILL',
  });
  const service = new RunningService(options, healthPort, running);
  if (options.awaitReady ?? true) {
    try {
      await service.untilReady();
    } catch (error) {
      service.kill('SIGKILL');
      await service.exited;
      throw error;
    }
  }
  return service;
}

class RunningService implements ServiceProcess {
  constructor(
    private readonly options: ServiceOptions,
    readonly healthPort: number,
    private readonly running: SupervisedProcess,
  ) {}

  get name(): string {
    return this.options.name;
  }

  get pid(): number {
    return this.running.pid;
  }

  get exited(): Promise<ProcessExit> {
    return this.running.exited;
  }

  output(): string {
    return this.running.output.text();
  }

  kill(signal: NodeJS.Signals): void {
    this.running.signal(signal);
  }

  async stop(): Promise<ProcessExit> {
    this.running.signal('SIGCONT');
    this.running.signal('SIGTERM');
    const exit = await withinMs(this.running.exited, STOP_MS_MAX);
    if (exit !== null) return exit;
    this.running.signal('SIGKILL');
    return this.running.exited;
  }

  async untilReady(deadlineMs = this.options.readyMsMax ?? READY_MS_MAX): Promise<void> {
    if (this.options.readyPattern !== undefined) {
      await this.untilOutput(this.options.readyPattern, deadlineMs);
      return;
    }
    await this.until('ready', deadlineMs, async () => {
      const status = await statusOf(this.healthPort, '/readyz');
      if (status !== 200) throw new Error(`/readyz answers ${status}`);
    });
  }

  untilOutput(pattern: RegExp, deadlineMs = READY_MS_MAX): Promise<RegExpExecArray> {
    return this.until(`output like ${String(pattern)}`, deadlineMs, () => {
      const match = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, '')).exec(this.output());
      if (match === null) throw new Error('not there yet');
      return match;
    });
  }

  private async until<T>(what: string, deadlineMs: number, attempt: () => Promise<T> | T): Promise<T> {
    const { running } = this;
    const hopeless = (): string | null =>
      running.exit === null ? null : `it ended with ${JSON.stringify(running.exit)}`;
    try {
      return await untilSucceeds(`${what} of service ${this.name}`, { deadlineMs, hopeless }, attempt);
    } catch (error) {
      throw new Error(`${String(error)}\n${this.output()}`, { cause: error });
    }
  }
}

/** One connection per question: none is kept that would hold the test runner open. */
function statusOf(port: number, path: string): Promise<number> {
  return new Promise((resolveStatus, reject) => {
    const request = get(
      { host: '127.0.0.1', port, path, agent: false, timeout: PROBE_MS_MAX },
      (response) => {
        response.resume();
        response.once('end', () => resolveStatus(response.statusCode ?? 0));
        response.once('error', reject);
      },
    );
    request.once('timeout', () => request.destroy(new Error(`${path} is silent`)));
    request.once('error', reject);
  });
}
