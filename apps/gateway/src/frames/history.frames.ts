import type { MessagesService } from '@troupe/people';
import type { HistoryPage } from '@troupe/ports';
import { type ClientFrameOf, type Message, HISTORY_LIMIT_MAX, TroupeError } from '@troupe/protocol';
import type { Connection } from '../ws/connection';

const LIMIT_DEFAULT = 50;

/** `history`: one page of a room's stored messages. */
export class HistoryFrames {
  constructor(private readonly messages: MessagesService) {}

  async history(connection: Connection, frame: ClientFrameOf<'history'>): Promise<void> {
    const { principal } = connection;
    if (!principal) return;
    const page = bounded(
      await this.messages.history(principal, frame.room, pageOf(frame)),
      frame.after !== undefined,
    );
    connection.send({
      type: 'history',
      ...(frame.id === undefined ? {} : { id: frame.id }),
      room: frame.room,
      ...page,
    });
  }
}

function pageOf({ before, after, limit }: ClientFrameOf<'history'>): HistoryPage {
  if (before !== undefined && after !== undefined)
    throw new TroupeError('bad_request', 'before or after, not both');
  const most = Math.min(limit ?? LIMIT_DEFAULT, HISTORY_LIMIT_MAX);
  if (after !== undefined) return { after, limit: most };
  return before === undefined ? { limit: most } : { before, limit: most };
}

/** A page of long messages ends early, or one answer could fill the socket; the client goes on from its edge. */
function bounded(page: HistoryAnswer, forward: boolean): HistoryAnswer {
  const order = forward ? page.messages : [...page.messages].reverse();
  let bytes = 0;
  let count = 0;
  for (const { text, data } of order) {
    bytes += text.length + (data === undefined ? 0 : JSON.stringify(data).length) + 200;
    if (count > 0 && bytes > PAGE_CHARACTERS_MAX) break;
    count++;
  }
  if (count === order.length) return page;
  const kept = order.slice(0, count);
  return { messages: forward ? kept : kept.reverse(), more: true };
}

interface HistoryAnswer {
  messages: Message[];
  more: boolean;
}

/** At most three bytes each in UTF-8, and less than what a socket may have waiting. */
const PAGE_CHARACTERS_MAX = 100_000;
