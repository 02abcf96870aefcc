import type { EventOf, HistoryEvent, LoggedMessage } from './history.events';

export type SessionEvent = EventOf<'attach'> | EventOf<'detach'> | EventOf<'receive'> | EventOf<'gap'>;

/** What one session was told of one room, in order. */
export interface SessionView {
  session: string;
  events: SessionEvent[];
}

/** Everything that is known of one room. */
export interface RoomView {
  room: string;
  durable: boolean;
  foreign: boolean;
  sends: EventOf<'send'>[];
  acks: EventOf<'ack'>[];
  errors: EventOf<'error'>[];
  rows: EventOf<'row'>[];
  sessions: Map<string, SessionView>;
  /** Null: nobody read the room to its end. */
  final: LoggedMessage[] | null;
}

/** Sorts a history by room and session, which is how the invariants look at it. */
export function viewByRoom(events: readonly HistoryEvent[]): RoomView[] {
  const rooms = new Map<string, RoomView>();
  const roomOf = (room: string): RoomView => {
    let view = rooms.get(room);
    if (!view) {
      view = {
        room,
        durable: true,
        foreign: false,
        sends: [],
        acks: [],
        errors: [],
        rows: [],
        sessions: new Map(),
        final: null,
      };
      rooms.set(room, view);
    }
    return view;
  };
  for (const event of events) {
    if (event.t === 'detach' && event.room === null) {
      for (const view of rooms.values()) view.sessions.get(event.session)?.events.push(event);
    } else if (event.room !== null) {
      addTo(roomOf(event.room), event);
    }
  }
  return [...rooms.values()];
}

function addTo(view: RoomView, event: HistoryEvent): void {
  switch (event.t) {
    case 'room':
      view.durable = event.durable ?? view.durable;
      view.foreign = event.foreign ?? view.foreign;
      return;
    case 'send':
      view.sends.push(event);
      return;
    case 'ack':
      view.acks.push(event);
      return;
    case 'error':
      view.errors.push(event);
      return;
    case 'row':
      view.rows.push(event);
      return;
    case 'final':
      view.final = event.messages;
      return;
    case 'attach':
    case 'detach':
    case 'receive':
    case 'gap':
      sessionOf(view, event.session).events.push(event);
      return;
  }
}

function sessionOf(view: RoomView, session: string): SessionView {
  let found = view.sessions.get(session);
  if (!found) {
    found = { session, events: [] };
    view.sessions.set(session, found);
  }
  return found;
}

/** The highest seq that anybody knows of: the end of the history, or of what was acked and seen where there is none. */
export function headOf(view: RoomView): number {
  let head = 0;
  for (const { seq } of view.final ?? []) head = Math.max(head, seq);
  if (view.durable) return head;
  for (const { seq } of view.acks) head = Math.max(head, seq);
  for (const { events } of view.sessions.values()) {
    for (const event of events) if (event.t === 'receive') head = Math.max(head, event.seq);
  }
  return head;
}
