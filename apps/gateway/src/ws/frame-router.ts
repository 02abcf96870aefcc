import type { Logger, Metrics } from '@troupe/observability';
import {
  type ClientFrame,
  type ClientFrameOf,
  type ClientFrameType,
  parseClientFrame,
} from '@troupe/protocol';
import { toTroupeError } from '../session/troupe-error';
import type { Connection } from './connection';

/** Handles one kind of frame. A rejection is answered with its code; the connection stays open. */
export type FrameHandler<K extends ClientFrameType> = (
  connection: Connection,
  frame: ClientFrameOf<K>,
) => void | Promise<void>;

export type FrameHandlers = { [K in ClientFrameType]: FrameHandler<K> };

/** Checks each text frame and hands it to its handler; answers what is wrong. */
export class FrameRouter {
  constructor(
    private readonly handlers: FrameHandlers,
    private readonly metrics: Metrics,
    private readonly logger: Logger,
    private readonly nowMs: () => number,
  ) {}

  receive(connection: Connection, text: string): void {
    const frame = parseClientFrame(text);
    if ('problem' in frame) {
      connection.fail(frame.code, frame.problem, { id: frame.id });
      if (frame.code === 'bad_frame') connection.countBadFrame(this.nowMs());
      return;
    }
    if (connection.state !== 'open' && frame.type !== 'hello') {
      return connection.fail('unauthenticated', 'say hello first', { id: frame.id });
    }
    try {
      const done = this.handle(connection, frame);
      if (done) done.catch((error: unknown) => this.failed(connection, frame, error));
    } catch (error) {
      this.failed(connection, frame, error);
    }
  }

  private handle(connection: Connection, frame: ClientFrame): void | Promise<void> {
    // The frame's type has been matched with its schema; the table has one handler of exactly that type for each.
    const handler = this.handlers[frame.type] as FrameHandler<ClientFrameType>;
    return handler(connection, frame);
  }

  private failed(connection: Connection, frame: ClientFrame, error: unknown): void {
    const known = toTroupeError(error);
    if (known.code === 'internal') this.logger.error({ err: error, frame: frame.type }, 'frame failed');
    if (connection.state === 'closed') {
      this.metrics.rejected.inc({ code: known.code });
      return;
    }
    const retry = known.retryAfterMs === undefined ? {} : { retryAfterMs: known.retryAfterMs };
    connection.fail(known.code, known.message, { id: frame.id, ...retry });
  }
}
