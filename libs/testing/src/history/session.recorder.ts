import type { ClientFrame, ServerFrame } from '@troupe/protocol';
import type { SendFact } from './history.events';
import type { HistoryRecorder } from './history.recorder';

/**
 * Turns the frames of one session into facts. A session here is one connection: after a reconnect a new one begins,
 * attached where its `resume` says.
 */
export class SessionRecorder {
  private readonly pending = new Map<string, Omit<SendFact, 't' | 'room'>>();
  private readonly roomOf = new Map<string, string>();
  private resume: Record<string, number> = {};
  private user = '';

  constructor(
    private readonly recorder: HistoryRecorder,
    /** Unique in the run. */
    private readonly session: string,
  ) {}

  /** Notes a frame that is about to be sent. A publish needs `id` and `clientId` to be recorded. */
  sent(frame: ClientFrame): void {
    if (frame.type === 'hello') this.resume = frame.resume ?? {};
    if (frame.type !== 'message' || frame.id === undefined || frame.clientId === undefined) return;
    const send = {
      session: this.session,
      sender: this.user,
      clientId: frame.clientId,
      attempt: frame.id,
      text: frame.text,
    };
    this.pending.set(frame.id, send);
    // Written to a user, the room is not known before the ack; the send is recorded then.
    if (frame.room === undefined) return;
    this.roomOf.set(frame.id, frame.room);
    this.recorder.add({ t: 'send', room: frame.room, ...send });
  }

  received(frame: ServerFrame): void {
    const { session, recorder } = this;
    switch (frame.type) {
      case 'welcome':
        this.user = frame.user;
        for (const { room, head } of frame.rooms) {
          recorder.add({ t: 'attach', session, room, head: this.resume[room] ?? head });
        }
        return;
      case 'joined':
        recorder.add({ t: 'attach', session, room: frame.room, head: frame.head });
        return;
      case 'left':
        recorder.add({ t: 'detach', session, room: frame.room });
        return;
      case 'message': {
        const { room, seq, id, from, text } = frame;
        recorder.add({ t: 'receive', session, room, seq, id, from, text });
        return;
      }
      case 'gap': {
        const { room, from, to, count } = frame;
        recorder.add({ t: 'gap', session, room, from, to, count });
        return;
      }
      case 'ack':
        if (frame.id !== undefined) this.acked(frame.id, frame);
        return;
      case 'error':
        if (frame.id !== undefined) this.failed(frame.id, frame.code);
        return;
      case 'member':
      case 'room':
      case 'history':
      case 'pong':
      case 'bye':
        return;
    }
  }

  closed(): void {
    this.recorder.add({ t: 'detach', session: this.session, room: null });
  }

  private acked(attempt: string, ack: { room: string; seq: number; messageId: string }): void {
    const send = this.pending.get(attempt);
    if (!send) return;
    if (!this.roomOf.has(attempt)) this.recorder.add({ t: 'send', room: ack.room, ...send });
    this.settle(attempt);
    const { session, sender, clientId } = send;
    this.recorder.add({
      t: 'ack',
      session,
      room: ack.room,
      sender,
      clientId,
      attempt,
      seq: ack.seq,
      id: ack.messageId,
    });
  }

  private failed(attempt: string, code: Extract<ServerFrame, { type: 'error' }>['code']): void {
    const send = this.pending.get(attempt);
    const room = this.roomOf.get(attempt);
    this.settle(attempt);
    if (!send || room === undefined) return;
    const { session, sender, clientId } = send;
    this.recorder.add({ t: 'error', session, room, sender, clientId, attempt, code });
  }

  private settle(attempt: string): void {
    this.pending.delete(attempt);
    this.roomOf.delete(attempt);
  }
}
