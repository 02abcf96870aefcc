import type { GeneratorCommand, GeneratorReply } from './commands';
import { LoadRun } from './load.run';
import { PacedRun } from './paced.run';
import { SocketSet } from './socket-set';

/**
 * The load generator: one process for each system under test, driven by commands over IPC. It holds
 * the clients' sockets; its CPU is no part of any figure.
 */
let set: SocketSet | undefined;

function reply(message: GeneratorReply): void {
  process.send?.(message);
}

function connected(): SocketSet {
  if (set === undefined) throw new Error('not connected');
  return set;
}

async function handle(command: GeneratorCommand): Promise<void> {
  switch (command.kind) {
    case 'connect': {
      const start = performance.now();
      set = new SocketSet(command);
      await set.connect();
      reply({ kind: 'connected', sockets: set.sockets.length, ms: performance.now() - start });
      break;
    }
    case 'load':
      reply({ kind: 'loaded', ...(await new LoadRun(connected(), command).run()) });
      break;
    case 'paced': {
      const run = new PacedRun(connected(), command, (phase) => reply({ kind: 'phase', phase }));
      reply({ kind: 'paced', ...(await run.run()) });
      break;
    }
    case 'close':
      set?.close();
      reply({ kind: 'closed' });
      process.disconnect();
      break;
  }
}

process.on('message', (command: GeneratorCommand) => {
  handle(command).catch((error: Error) => reply({ kind: 'failed', message: error.message }));
});
// Without its parent there is nobody to measure for.
process.on('disconnect', () => process.exit(0));
