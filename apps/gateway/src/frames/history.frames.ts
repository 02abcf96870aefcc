import type { MessagesService } from '@troupe/people';
import type { HistoryPage } from '@troupe/ports';
import { type ClientFrameOf, HISTORY_LIMIT_MAX, type Message, TroupeError } from '@troupe/protocol';
import type { Connection } from '../ws/connection';

type HistoryFrame = ClientFrameOf<'history'>;

interface HistoryAnswer {
  messages: Message[];
  more: boolean;
}

interface Waiting {
  frame: HistoryFrame;
  done: () => void;
  failed: (error: unknown) => void;
}

const LIMIT_DEFAULT = 50;
/** Requests of one session that may wait for their turn. */
const WAITING_MAX = 100;
/** A page of long messages ends here; well under what may wait for a socket. */
const PAGE_BYTES_MAX = 131_072;

/**
 * `history`: one page of a room's stored messages. A session's requests are answered one after the other, and only
 * while its socket takes them: pages asked for at once must not fill it.
 */
export class HistoryFrames {
  private readonly waiting = new WeakMap<Connection, { queue: Waiting[]; busy: boolean }>();

  constructor(private readonly messages: MessagesService) {}

  history(connection: Connection, frame: HistoryFrame): Promise<void> {
    const line = this.waiting.get(connection) ?? { queue: [], busy: false };
    this.waiting.set(connection, line);
    if (line.queue.length >= WAITING_MAX) {
      throw new TroupeError('rate_limited', 'too many history requests at once', 1_000);
    }
    return new Promise((done, failed) => {
      line.queue.push({ frame, done, failed });
      this.next(connection);
    });
  }

  /** Goes on with what waits; called when the socket can take more. */
  next(connection: Connection): void {
    const line = this.waiting.get(connection);
    if (!line || line.busy || !connection.outlet.writable) return;
    const first = line.queue.shift();
    if (!first) return;
    line.busy = true;
    this.answer(connection, first.frame)
      .then(first.done, first.failed)
      .finally(() => {
        line.busy = false;
        this.next(connection);
      })
      .catch(first.failed);
  }

  private async answer(connection: Connection, frame: HistoryFrame): Promise<void> {
    const { principal } = connection;
    if (!principal) return;
    const found = await this.messages.history(principal, frame.room, pageOf(frame));
    const page = bounded(found, frame.after !== undefined);
    const id = frame.id === undefined ? {} : { id: frame.id };
    connection.send({ type: 'history', ...id, room: frame.room, ...page });
  }
}

function pageOf({ before, after, limit }: HistoryFrame): HistoryPage {
  if (before !== undefined && after !== undefined)
    throw new TroupeError('bad_request', 'before or after, not both');
  const most = Math.min(limit ?? LIMIT_DEFAULT, HISTORY_LIMIT_MAX);
  if (after !== undefined) return { after, limit: most };
  return before === undefined ? { limit: most } : { before, limit: most };
}

/** A page of long messages ends early; the client goes on from its edge. */
function bounded(page: HistoryAnswer, forward: boolean): HistoryAnswer {
  const order = forward ? page.messages : [...page.messages].reverse();
  let bytes = 0;
  let count = 0;
  for (const { text, data } of order) {
    bytes +=
      Buffer.byteLength(text) + (data === undefined ? 0 : Buffer.byteLength(JSON.stringify(data))) + 200;
    if (count > 0 && bytes > PAGE_BYTES_MAX) break;
    count++;
  }
  if (count === order.length) return page;
  const kept = order.slice(0, count);
  return { messages: forward ? kept : kept.reverse(), more: true };
}
