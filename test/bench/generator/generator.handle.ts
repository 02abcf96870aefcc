import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type {
  ConnectCommand,
  GeneratorCommand,
  GeneratorReply,
  LoadCommand,
  LoadResult,
  PacedCommand,
  PacedResult,
} from './commands';

type ReplyOf<K extends GeneratorReply['kind']> = Extract<GeneratorReply, { kind: K }>;

/** A load generator in a process of its own. One command at a time. */
export class Generator {
  readonly #process: ChildProcess;

  constructor() {
    this.#process = fork(join(__dirname, 'main.js'), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  }

  async connect(plan: ConnectCommand, deadlineMs = 60_000): Promise<ReplyOf<'connected'>> {
    return this.#call({ kind: 'connect', ...plan }, 'connected', deadlineMs);
  }

  async load(command: LoadCommand): Promise<LoadResult> {
    return this.#call({ kind: 'load', ...command }, 'loaded', command.warmMs + command.windowMs + 60_000);
  }

  async paced(command: PacedCommand, onPhase: (phase: 'stopped' | 'reading') => void): Promise<PacedResult> {
    const ms = (command.warmSeconds + command.seconds) * 1_000 + command.catchUpMs + 60_000;
    return this.#call({ kind: 'paced', ...command }, 'paced', ms, onPhase);
  }

  /** Resets all sockets and ends the process. */
  async close(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = once(this.#process, 'exit');
    if (this.#process.connected) this.#process.send({ kind: 'close' } satisfies GeneratorCommand);
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), 10_000);
    await exited;
    clearTimeout(timer);
  }

  #call<K extends GeneratorReply['kind']>(
    command: GeneratorCommand,
    answer: K,
    deadlineMs: number,
    onPhase?: (phase: 'stopped' | 'reading') => void,
  ): Promise<ReplyOf<K>> {
    const child = this.#process;
    return new Promise((resolve, reject) => {
      const finish = (act: () => void): void => {
        clearTimeout(timer);
        child.off('message', onMessage);
        child.off('exit', onExit);
        act();
      };
      const onMessage = (message: GeneratorReply): void => {
        if (message.kind === 'phase') onPhase?.(message.phase);
        else if (message.kind === answer) finish(() => resolve(message as ReplyOf<K>));
        else if (message.kind === 'failed') finish(() => reject(new Error(message.message)));
      };
      const onExit = (code: number | null): void =>
        finish(() => reject(new Error(`generator ended with ${code}`)));
      const timer = setTimeout(
        () => finish(() => reject(new Error(`generator: no answer to ${command.kind} in ${deadlineMs} ms`))),
        deadlineMs,
      );
      child.on('message', onMessage);
      child.on('exit', onExit);
      child.send(command, (error) => {
        if (error !== null) finish(() => reject(error));
      });
    });
  }
}
