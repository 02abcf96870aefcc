import { createLogger } from '../log/logger';
import { NestLogger } from './nest-logger';

describe("Nest's own log lines", () => {
  const lines: string[] = [];
  const destination = { write: (line: string) => lines.push(line) };
  const nest = new NestLogger(createLogger({ service: 'gateway', level: 'trace', destination }));
  const last = (): unknown => JSON.parse(lines.at(-1) ?? '{}');

  it.each([
    ['log', 'debug'],
    ['warn', 'warn'],
    ['debug', 'debug'],
    ['verbose', 'trace'],
    ['error', 'error'],
    ['fatal', 'fatal'],
  ] as const)('%s becomes %s, with the context as a field', (method, level) => {
    nest[method]('Mapped {/healthz, GET} route', 'RouterExplorer');
    expect(last()).toMatchObject({
      level,
      message: 'Mapped {/healthz, GET} route',
      context: 'RouterExplorer',
    });
  });

  it('tell a stack from a context, in whatever order and number they come', () => {
    const stack = 'Error: x\n    at main (main.ts:1:1)';
    nest.error('broken', stack, 'ExceptionsHandler');
    expect(last()).toMatchObject({ message: 'broken', stack, context: 'ExceptionsHandler' });
    nest.error('broken', stack);
    expect(last()).toMatchObject({ stack });
    nest.error('broken', undefined, 'Gateway');
    expect(last()).toMatchObject({ context: 'Gateway' });
  });

  it('keep errors and objects as fields', () => {
    nest.error(new TypeError('no'), 'Gateway');
    expect(last()).toMatchObject({ message: 'no', err: { type: 'TypeError' }, context: 'Gateway' });
    nest.log({ event: 'x', token: 'hunter2' });
    expect(last()).toMatchObject({ detail: { event: 'x', token: '[redacted]' } });
  });
});
