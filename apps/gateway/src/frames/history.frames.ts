import type { MessagesService } from '@troupe/people';
import type { HistoryPage } from '@troupe/ports';
import { type ClientFrameOf, HISTORY_LIMIT_MAX, TroupeError } from '@troupe/protocol';
import type { Connection } from '../ws/connection';

const LIMIT_DEFAULT = 50;

/** `history`: one page of a room's stored messages. */
export class HistoryFrames {
  constructor(private readonly messages: MessagesService) {}

  async history(connection: Connection, frame: ClientFrameOf<'history'>): Promise<void> {
    const { principal } = connection;
    if (!principal) return;
    const page = await this.messages.history(principal, frame.room, pageOf(frame));
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
  const bounded = Math.min(limit ?? LIMIT_DEFAULT, HISTORY_LIMIT_MAX);
  if (after !== undefined) return { after, limit: bounded };
  return before === undefined ? { limit: bounded } : { before, limit: bounded };
}
