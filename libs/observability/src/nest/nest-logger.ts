import type { LoggerService } from '@nestjs/common';
import type { Logger, LogMethod } from '../log/logger';

/** Sends what Nest itself logs through our logger, with Nest's context as a field: `app.useLogger(new NestLogger(log))`. */
export class NestLogger implements LoggerService {
  constructor(private readonly logger: Logger) {}

  /** What the framework says at each start, route by route, is for whoever looks for it. */
  log(message: unknown, ...rest: unknown[]): void {
    write(this.logger.debug, message, rest);
  }

  warn(message: unknown, ...rest: unknown[]): void {
    write(this.logger.warn, message, rest);
  }

  debug(message: unknown, ...rest: unknown[]): void {
    write(this.logger.debug, message, rest);
  }

  verbose(message: unknown, ...rest: unknown[]): void {
    write(this.logger.trace, message, rest);
  }

  /** Nest gives `(message, stack?, context?)`; the stack may be missing, and the error itself may be the message. */
  error(message: unknown, ...rest: unknown[]): void {
    write(this.logger.error, message, rest);
  }

  fatal(message: unknown, ...rest: unknown[]): void {
    write(this.logger.fatal, message, rest);
  }
}

// A stack has a line "    at …"; a context is the name of a class.
const STACK = /\n\s+at /;

function write(method: LogMethod, message: unknown, rest: readonly unknown[]): void {
  const words = rest.filter((each): each is string => typeof each === 'string');
  const stack = words.find((word) => STACK.test(word));
  const context = words.findLast((word) => word !== stack);
  const fields = { ...(context && { context }), ...(stack && { stack }) };
  if (message instanceof Error) method({ ...fields, err: message }, message.message);
  else if (typeof message === 'string') method(fields, message);
  else method({ ...fields, detail: message }, 'from the framework');
}
