import { BadSettings, MissingUrls } from '@troupe/config';
import type { Logger } from '@troupe/observability';

/** A service that runs, and how it goes down. */
export interface RunningService {
  logger: Logger;
  /** Finishes what is in flight and gives back what is held. */
  stop(): Promise<void>;
  /** After this long without an end, the process ends anyway. */
  shutdownTimeoutMs: number;
}

/** Exit code for settings and surroundings that have to be mended first (sysexits: EX_CONFIG). */
const EX_CONFIG = 78;

/**
 * Starts a service and stops it at SIGTERM or SIGINT, once. Errors of the start are told in one line, without a stack
 * where a person made them.
 */
export async function runService(start: () => Promise<RunningService>): Promise<void> {
  let service: RunningService;
  try {
    service = await start();
  } catch (error) {
    process.stderr.write(`${describe(error)}\n`);
    process.exit(isConfiguration(error) ? EX_CONFIG : 1);
  }
  let stopping = false;
  const stop = (signal: string): void => {
    if (stopping) return;
    stopping = true;
    service.logger.info({ signal }, 'stopping');
    const timer = setTimeout(() => {
      service.logger.error('did not stop in time');
      process.exit(1);
    }, service.shutdownTimeoutMs);
    const stopped = service.stop().finally(() => clearTimeout(timer));
    stopped.then(
      () => process.exit(0),
      (error: unknown) => {
        service.logger.error({ err: error }, 'stopping failed');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', () => stop('SIGTERM'));
  process.on('SIGINT', () => stop('SIGINT'));
  process.on('unhandledRejection', (error) => {
    service.logger.fatal({ err: error }, 'unhandled rejection');
    process.exit(1);
  });
}

function isConfiguration(error: unknown): boolean {
  const name = error instanceof Error ? error.name : '';
  return error instanceof BadSettings || error instanceof MissingUrls || CONFIGURATION_ERRORS.has(name);
}

const CONFIGURATION_ERRORS = new Set(['DirectoryLocked', 'SchemaMismatch']);

function describe(error: unknown): string {
  if (isConfiguration(error) && error instanceof Error) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
