import { spawn } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { BoundedOutput } from './bounded-output';
import { processTree } from './process-tree';

/**
 * Becomes the program, after leaving a watchdog behind that outlives us.
 *
 * The watchdog reads a pipe (fd 3) whose other end only the spawning process has. It ends without a trace at the word
 * `done`; when the pipe closes without it, the spawning process is dead, however it died, and the watchdog stops the
 * program and removes its directory. `exec` keeps the pid, so the spawner signals and reaps the program itself.
 * The watchdog is started through a subshell that ends at once: a program never finds an unknown child of its own.
 * Arguments: signal to try first, directory to remove (or an empty string), program, its arguments.
 */
const SUPERVISE = `
signal=$1 dir=$2
shift 2
( (
  trap '' HUP INT TERM
  while read -r word <&3; do
    if [ "$word" = done ]; then exit 0; fi
  done
  kill -s CONT $$
  kill -s "$signal" $$
  tries=0
  while kill -0 $$ && [ $tries -lt 150 ]; do
    sleep 0.1
    tries=$((tries + 1))
  done
  kill -s KILL $$
  if [ -n "$dir" ]; then rm -rf -- "$dir"; fi
) </dev/null >/dev/null 2>&1 & )
exec "$@" 3<&-
`;

const OUTPUT_BYTES_MAX = 1024 * 1024;

export interface UserIds {
  uid: number;
  gid: number;
}

export interface SuperviseOptions {
  program: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  cwd: string;
  /** Runs as this user; null: as ourselves. */
  user: UserIds | null;
  /** Removed when the spawning process dies; null: nothing is. */
  orphanedDir: string | null;
  /**
   * Sent first when the spawning process dies. SIGKILL follows 15 s later: Postgres takes 5 s before it gives up
   * suspended processes of its own.
   */
  orphanSignal: NodeJS.Signals;
}

/** How a process ended: an exit code, or the signal that killed it. */
export interface ProcessExit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A child process that cannot outlive us, even if we are SIGKILLed. */
export interface SupervisedProcess {
  readonly pid: number;
  /** Null while it runs. */
  readonly exit: ProcessExit | null;
  /** Resolves when it and everything that holds its output is gone. Never rejects. */
  readonly exited: Promise<ProcessExit>;
  /** stdout and stderr as they came, the last MiB. */
  readonly output: BoundedOutput;
  /** Signals the process alone. Nothing happens once it has ended. */
  signal(signal: NodeJS.Signals): void;
  /** Signals the process, then all of its descendants. */
  signalTree(signal: NodeJS.Signals): void;
}

/** Starts a program in a process group of its own. Throws where it cannot be started at all. */
export function superviseProcess(options: SuperviseOptions): SupervisedProcess {
  const output = new BoundedOutput(OUTPUT_BYTES_MAX);
  const child = spawn(
    '/bin/sh',
    [
      ...['-c', SUPERVISE, 'supervise', options.orphanSignal.replace('SIG', ''), options.orphanedDir ?? ''],
      ...[options.program, ...options.args],
    ],
    {
      cwd: options.cwd,
      env: options.env,
      // A Ctrl-C in the terminal goes to the test runner alone; the watchdogs do the rest.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      ...(options.user ?? {}),
    },
  );
  const { pid } = child;
  let exit: ProcessExit | null = null;
  const exited = new Promise<ProcessExit>((resolve) => {
    child.once('exit', (code, signal) => {
      exit = { code, signal };
    });
    child.once('close', (code, signal) => resolve({ code, signal }));
    child.once('error', (error) => output.append(Buffer.from(`${String(error)}\n`)));
  });
  if (pid === undefined) throw new Error(`cannot start ${options.program} through /bin/sh`);

  const lifeline = child.stdio[3] as Duplex;
  lifeline.on('error', (error) => output.append(Buffer.from(`watchdog of ${pid}: ${String(error)}\n`)));
  child.once('exit', () => lifeline.end('done\n'));
  child.stdout?.on('data', (chunk: Buffer) => output.append(chunk));
  child.stderr?.on('data', (chunk: Buffer) => output.append(chunk));

  return {
    pid,
    exited,
    output,
    get exit() {
      return exit;
    },
    signal: (signal) => void child.kill(signal),
    signalTree: (signal) => {
      if (exit !== null) return;
      const descendants = processTree(pid).slice(1);
      child.kill(signal);
      for (const descendant of descendants) signalIfAlive(descendant, signal);
    },
  };
}

function signalIfAlive(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // A descendant may have ended between being listed and being signalled.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
