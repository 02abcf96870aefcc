import { BadSettings, MissingUrls } from '@troupe/config';
import { createLogger } from '@troupe/observability';
import { type RunningService, runService } from './run-service';

const SIGNALS = ['SIGTERM', 'SIGINT', 'unhandledRejection'] as const;

describe('running a service', () => {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const logger = createLogger({ service: 'test', level: 'info', destination });
  const errors: string[] = [];
  const listeners = new Map<string, (argument?: unknown) => void>();
  let exited: Promise<number>;
  let exits: number[];
  beforeEach(() => {
    lines.length = errors.length = 0;
    exits = [];
    listeners.clear();
    jest.spyOn(process.stderr, 'write').mockImplementation((text) => errors.push(String(text)) > 0);
    jest.spyOn(process, 'on').mockImplementation((event, listener: (argument?: unknown) => void) => {
      listeners.set(String(event), listener);
      return process;
    });
    exited = new Promise((resolve) => {
      jest.spyOn(process, 'exit').mockImplementation((code) => {
        exits.push(Number(code));
        resolve(Number(code));
        // As the real one, it does not come back; where nothing comes after it, a rejection would only be in the way.
        if (listeners.size === 0) throw new Exited();
        return undefined as never;
      });
    });
  });
  afterEach(() => jest.restoreAllMocks());

  class Exited extends Error {}
  const service = (stop: () => Promise<void>, shutdownTimeoutMs = 10_000): RunningService => ({
    logger,
    stop,
    shutdownTimeoutMs,
  });
  const swallow = (error: unknown): void => {
    if (!(error instanceof Exited)) throw error;
  };
  class DirectoryLocked extends Error {
    override readonly name = 'DirectoryLocked';
  }

  it.each([
    [new BadSettings([{ variable: 'PORT', problem: 'not a number' }]), 78, 'PORT'],
    [new MissingUrls('gateway', ['NATS_URL']), 78, 'NATS_URL'],
    [new DirectoryLocked('the directory is in use by process 7'), 78, 'in use by process 7'],
    [new TypeError('a bug'), 1, 'TypeError: a bug'],
  ])('tells why it cannot start, %s, and exits with %i', async (error, code, text) => {
    await runService(() => Promise.reject(error)).catch(swallow);
    expect(exits).toEqual([code]);
    expect(errors.join('')).toContain(text);
    // What a person has to mend is told without a stack.
    expect(errors.join('').includes('\n    at ')).toBe(code === 1);
    expect(listeners.size).toBe(0);
  });

  it.each(['SIGTERM', 'SIGINT'])('stops once at %s, and exits with 0', async (signal) => {
    const stop = jest.fn(() => Promise.resolve());
    await runService(() => Promise.resolve(service(stop)));
    expect([...listeners.keys()]).toEqual([...SIGNALS]);
    listeners.get(signal)?.();
    listeners.get('SIGTERM')?.();
    listeners.get('SIGINT')?.();
    expect(await exited).toBe(0);
    expect(stop).toHaveBeenCalledTimes(1);
  });

  it('exits with 1 when stopping fails', async () => {
    await runService(() => Promise.resolve(service(() => Promise.reject(new Error('stuck')))));
    listeners.get('SIGTERM')?.();
    expect(await exited).toBe(1);
    expect(lines.join('')).toContain('stopping failed');
  });

  it('exits with 1 when stopping takes too long', async () => {
    jest.useFakeTimers();
    await runService(() => Promise.resolve(service(() => new Promise(() => undefined), 3_000)));
    listeners.get('SIGTERM')?.();
    jest.advanceTimersByTime(2_999);
    expect(exits).toEqual([]);
    jest.advanceTimersByTime(1);
    jest.useRealTimers();
    expect(exits).toEqual([1]);
    expect(lines.join('')).toContain('did not stop in time');
  });

  it('exits with 1 at a rejection that nobody handles', async () => {
    await runService(() => Promise.resolve(service(() => Promise.resolve())));
    listeners.get('unhandledRejection')?.(new Error('forgotten'));
    expect(exits).toEqual([1]);
    expect(lines.join('')).toContain('forgotten');
  });
});
