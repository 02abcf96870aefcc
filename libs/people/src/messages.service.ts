import type { HistoryPage, RoomStore } from '@troupe/ports';
import type { JsonObject, Message } from '@troupe/protocol';
import { requireScope, type Principal } from './principal';
import type { RoomAccess } from './room-access';
import type { RoomGate } from './room-gate';

export interface NewMessage {
  room: string;
  text: string;
  data?: JsonObject;
  clientId?: string;
}

/** A message as its sender gets it back. */
export type SentMessage = Message & { clientId?: string };

/** Messages over HTTP: published through the room's actor, read from the store. */
export class MessagesService {
  constructor(
    private readonly store: Pick<RoomStore, 'history'>,
    private readonly gate: RoomGate,
    private readonly access: RoomAccess,
  ) {}

  /**
   * Publishes. `duplicate`: the `clientId` was used before, and the message is the first one.
   * Services need the scope `publish`, and no membership. Rejects with what the room's actor refuses with, or
   * `not_found` when the sender may not know of the room.
   */
  async publish(
    principal: Principal,
    message: NewMessage,
  ): Promise<{ message: SentMessage; duplicate: boolean }> {
    const service = principal.kind === 'service';
    if (service) requireScope(principal, 'publish');
    const sent = { ...message, from: principal.id };
    const ack = await this.access.concealed(principal, message.room, () =>
      this.gate.publish(service ? { ...sent, service } : sent),
    );
    const { seq, id, at, duplicate } = ack;
    const echo = message.clientId === undefined ? {} : { clientId: message.clientId };
    const first = duplicate ? await this.stored(message.room, seq, id) : undefined;
    return { message: { ...(first ?? { ...sent, seq, id, at }), ...echo }, duplicate };
  }

  /** One page of what is stored. Rejects with `not_found`. */
  async history(
    principal: Principal,
    room: string,
    page: HistoryPage,
  ): Promise<{ messages: Message[]; more: boolean }> {
    await this.access.visible(principal, room);
    return this.store.history(room, page);
  }

  /** The message as it was accepted first: the repeat may have come with another text. Undefined if it is not stored. */
  private async stored(room: string, seq: number, id: string): Promise<Message | undefined> {
    const { messages } = await this.store.history(room, { after: seq - 1, limit: 1 });
    return messages.find((m) => m.id === id);
  }
}
