import { hostname } from 'node:os';
import { pino, stdTimeFunctions } from 'pino';
import { redactedFields, redactedLine } from './redact';

/** Writes one line. `fields` are searchable facts: ids, codes, counts; `message` is a constant sentence. */
export interface LogMethod {
  (fields: object, message: string): void;
  (message: string): void;
}

/** What code asks for that has something to say. */
export interface Logger {
  readonly trace: LogMethod;
  readonly debug: LogMethod;
  readonly info: LogMethod;
  readonly warn: LogMethod;
  readonly error: LogMethod;
  readonly fatal: LogMethod;
  /** Gives a logger that repeats `fields` on each line. */
  child(fields: object): Logger;
}

export type LogLevelName = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';

export interface LoggerOptions {
  service: string;
  level: LogLevelName;
  /** Where lines go; standard output by default. */
  destination?: { write(line: string): void };
}

/**
 * Makes the logger of a process: one JSON object a line, with `level` as a word, `time` (RFC 3339), `service`, `pid`,
 * `host`, the fields and `message`. Secrets and what people wrote are masked wherever they stand; see redact.ts.
 */
export function createLogger({ service, level, destination }: LoggerOptions): Logger {
  const base = pino(
    {
      level,
      base: { service, pid: process.pid, host: hostname() },
      messageKey: 'message',
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: redactedFields },
      // Errors have been described by then; the stock serialiser would take the description for a foreign object.
      serializers: { err: (err: unknown) => err },
      hooks: { streamWrite: redactedLine },
    },
    destination ?? pino.destination({ dest: 1, sync: true }),
  );
  return wrap(base);
}

function wrap(base: pino.Logger): Logger {
  const method = (level: Exclude<LogLevelName, 'silent'>): LogMethod => {
    return (first: object | string, message?: string) => {
      if (typeof first === 'string') base[level](first);
      // An error given alone is put where its description belongs.
      else base[level](first instanceof Error ? { err: first } : first, message);
    };
  };
  return {
    trace: method('trace'),
    debug: method('debug'),
    info: method('info'),
    warn: method('warn'),
    error: method('error'),
    fatal: method('fatal'),
    child: (fields) => wrap(base.child(redactedFields(fields))),
  };
}
