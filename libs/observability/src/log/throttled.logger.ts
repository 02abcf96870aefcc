import type { Logger, LogMethod } from './logger';

type Throttled = 'trace' | 'debug' | 'info' | 'warn' | 'error';

/**
 * Gives a logger that writes at most `perSecond` lines in any second of the given clock, whatever their level, and
 * leaves the rest out. The first line after that says how many were, as `suppressed`. `fatal` always passes.
 * For what somebody outside can cause at will; a counter has to tell the whole number.
 */
export function throttled(
  logger: Logger,
  perSecond: number,
  nowMs: () => number = () => performance.now(),
): Logger {
  let windowStartMs = -Infinity;
  let written = 0;
  let suppressed = 0;

  const admit = (): boolean => {
    const now = nowMs();
    if (now - windowStartMs >= 1_000) {
      windowStartMs = now;
      written = 0;
    }
    if (written >= perSecond) {
      suppressed++;
      return false;
    }
    written++;
    return true;
  };

  const over = (target: Logger): Logger => {
    const method = (level: Throttled): LogMethod => {
      return (first: object | string, message?: string) => {
        if (!admit()) return;
        const note = suppressed > 0 ? { suppressed } : undefined;
        suppressed = 0;
        if (typeof first === 'string') {
          if (note) target[level](note, first);
          else target[level](first);
        } else {
          const fields = first instanceof Error ? { err: first } : first;
          target[level](note ? { ...fields, ...note } : fields, message ?? '');
        }
      };
    };
    return {
      trace: method('trace'),
      debug: method('debug'),
      info: method('info'),
      warn: method('warn'),
      error: method('error'),
      fatal: target.fatal,
      // Children share the budget: a child per connection would otherwise be a budget per connection.
      child: (fields) => over(target.child(fields)),
    };
  };
  return over(logger);
}
