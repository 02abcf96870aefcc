import { randomUUID } from 'node:crypto';
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port';
import { type SupervisedProcess, type UserIds, superviseProcess } from './supervised-process';
import { untilSucceeds, withinMs } from './until';

const START_MS_MAX = 30_000;
const STOP_MS_MAX = 10_000;
const PORT_TRIES_MAX = 5;

/**
 * A real server, a process of our own on a free loopback port with its data in a directory of its own.
 *
 * It dies with the process that started it, however that ends. Calls must not overlap.
 */
export interface TestServer {
  /** The same for the server's whole life, restarts included. */
  readonly url: string;
  readonly port: number;
  /** The server's own pid (for Postgres the postmaster's); another one after `restart()`. */
  readonly pid: number;
  /** Where its data are; gone after `stop()`. */
  readonly dir: string;
  /** What it logged, over all restarts; the last MiB of each. */
  log(): string;
  /** Ends it and removes its data; also when it is dead or suspended already. Idempotent. */
  stop(): Promise<void>;
  /**
   * Signals it. SIGKILL, SIGSTOP and SIGCONT reach its child processes too, so a suspended Postgres answers nobody.
   * After SIGKILL, resolves when all of it is gone; the data stay for `restart()`. Others resolve at once.
   */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Ends it in an orderly way unless it is dead already, and starts it again on the same port and data. */
  restart(): Promise<void>;
}

/** What is particular to one kind of server. */
export interface ServerKind {
  /** As in messages and directory names: `nats`. */
  kind: string;
  user: UserIds | null;
  /** Ends it so that it keeps its data. */
  stopSignal: NodeJS.Signals;
  /** Ends it so that it leaves nothing outside its directory; data do not matter. */
  quitSignal: NodeJS.Signals;
  /** Runs once, before the first start. */
  prepare?(dir: string): Promise<void>;
  command(at: ServerAddress): { program: string; args: string[] };
  url(port: number): string;
  /** Resolves when the server answers and is this one, not a stranger on the same port; throws otherwise. */
  probe(at: ServerAddress & { pid: number }): Promise<void>;
}

export interface ServerAddress {
  dir: string;
  port: number;
  /** Unique to this server; it can be asked for it. */
  name: string;
}

/** Errors that pass: the port was taken meanwhile, or the kernel still holds what a killed server had. */
const PASSING = /address already in use|EADDRINUSE|pre-existing shared memory|lock file .* already exists/i;

/** Starts a server and waits until it answers. Throws with its log if it does not within 30 s. */
export async function startTestServer(kind: ServerKind): Promise<TestServer> {
  const dir = mkdtempSync(join(tmpdir(), `troupe-${kind.kind}-`));
  try {
    if (kind.user !== null) chownSync(dir, kind.user.uid, kind.user.gid);
    await kind.prepare?.(dir);
    for (let tries = 1; ; tries += 1) {
      const at = { dir, port: await freePort(), name: `troupe-${randomUUID()}` };
      try {
        return new RunningServer(kind, at, await launch(kind, at));
      } catch (error) {
        if (tries === PORT_TRIES_MAX || !PASSING.test(String(error))) throw error;
      }
    }
  } catch (error) {
    rmSync(dir, { recursive: true, force: true });
    throw error;
  }
}

/** Runs a program of the server's to its end, under the same supervision. Throws with its output if it fails. */
export async function runInServerDir(
  options: { dir: string; user: UserIds | null },
  command: { program: string; args: string[] },
): Promise<void> {
  const running = supervise(options, command, 'SIGKILL');
  const exit = await withinMs(running.exited, START_MS_MAX);
  if (exit === null) running.signalTree('SIGKILL');
  if (exit?.code !== 0) {
    throw new Error(`${command.program} ended with ${JSON.stringify(exit)}\n${running.output.text()}`);
  }
}

async function launch(kind: ServerKind, at: ServerAddress): Promise<SupervisedProcess> {
  const running = supervise({ dir: at.dir, user: kind.user }, kind.command(at), kind.quitSignal);
  try {
    await untilSucceeds(
      `start of ${kind.kind} on port ${at.port}`,
      {
        deadlineMs: START_MS_MAX,
        hopeless: () => (running.exit === null ? null : `it ended with ${JSON.stringify(running.exit)}`),
      },
      () => kind.probe({ ...at, pid: running.pid }),
    );
    return running;
  } catch (error) {
    running.signalTree('SIGKILL');
    await running.exited;
    throw new Error(`${String(error)}\n${running.output.text()}`, { cause: error });
  }
}

function supervise(
  { dir, user }: { dir: string; user: UserIds | null },
  command: { program: string; args: string[] },
  orphanSignal: NodeJS.Signals,
): SupervisedProcess {
  return superviseProcess({
    ...command,
    // Servers must not take settings of whoever runs the tests (PGDATA, PGPORT, locale).
    env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' },
    cwd: dir,
    user,
    orphanedDir: dir,
    orphanSignal,
  });
}

class RunningServer implements TestServer {
  private earlierLog = '';
  readonly url: string;

  constructor(
    private readonly kind: ServerKind,
    private readonly at: ServerAddress,
    private running: SupervisedProcess,
  ) {
    this.url = kind.url(at.port);
  }

  get port(): number {
    return this.at.port;
  }

  get pid(): number {
    return this.running.pid;
  }

  get dir(): string {
    return this.at.dir;
  }

  log(): string {
    return this.earlierLog + this.running.output.text();
  }

  async stop(): Promise<void> {
    await this.end(this.kind.quitSignal);
    rmSync(this.at.dir, { recursive: true, force: true });
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    if (signal === 'SIGKILL' || signal === 'SIGSTOP' || signal === 'SIGCONT') {
      this.running.signalTree(signal);
    } else {
      this.running.signal(signal);
    }
    if (signal === 'SIGKILL') await this.running.exited;
  }

  async restart(): Promise<void> {
    await this.end(this.kind.stopSignal);
    const endMs = performance.now() + START_MS_MAX;
    const earlierLog = this.log();
    for (;;) {
      try {
        this.running = await launch(this.kind, this.at);
        this.earlierLog = earlierLog;
        return;
      } catch (error) {
        if (performance.now() >= endMs || !PASSING.test(String(error))) throw error;
      }
    }
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    // A suspended server would keep every other signal waiting.
    this.running.signalTree('SIGCONT');
    this.running.signal(signal);
    if ((await withinMs(this.running.exited, STOP_MS_MAX)) === null) {
      this.running.signalTree('SIGKILL');
      await this.running.exited;
    }
  }
}
