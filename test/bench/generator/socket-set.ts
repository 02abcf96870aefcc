import { ClientSocket, type SocketObserver } from './client-socket';
import type { ConnectCommand, Endpoint } from './commands';
import { drivers } from './drivers';
import type { Driver } from './drivers/driver';
import { MARKER_BYTES, markedText, markerOffset } from './marker';

const CONNECTING_MAX = 64;

/** The frame that a publisher sends in one lane, and where its marker is. */
export interface FrameTemplate {
  bytes: Buffer;
  marker: number;
}

const ignore: SocketObserver = {
  delivered: () => undefined,
  watched: () => undefined,
  turnEnd: () => undefined,
  gap: () => undefined,
  error: () => undefined,
};

/** All sockets of one system under test, in rooms. */
export class SocketSet {
  readonly sockets: ClientSocket[] = [];
  readonly publishers: ClientSocket[] = [];
  readonly #driver: Driver;
  readonly #templates = new Map<string, FrameTemplate>();

  constructor(private readonly plan: ConnectCommand) {
    if (plan.textBytes < MARKER_BYTES) throw new Error(`a text has at least ${MARKER_BYTES} bytes`);
    this.#driver = drivers[plan.driver];
  }

  get rooms(): number {
    return this.plan.rooms;
  }

  get membersPerRoom(): number {
    return this.plan.membersPerRoom;
  }

  get publishersPerRoom(): number {
    return this.plan.publishersPerRoom;
  }

  get seqOf(): ((payload: string) => number) | undefined {
    return this.#driver.seqOf;
  }

  /** Connects member by member, a bounded number at once. Fails with the first refusal. */
  async connect(): Promise<void> {
    const { rooms, membersPerRoom } = this.plan;
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < rooms * membersPerRoom) {
        const index = next;
        next += 1;
        // Members in the outer loop: the publisher, who is the last of its room, comes last.
        await this.#open(index % rooms, Math.floor(index / rooms));
      }
    };
    await Promise.all(Array.from({ length: CONNECTING_MAX }, worker));
    this.publishers.sort((a, b) => a.publisher - b.publisher);
  }

  observe(observer: SocketObserver): void {
    for (const socket of this.sockets) socket.observer = observer;
  }

  ignore(): void {
    this.observe(ignore);
  }

  template(lane: string, room: number): FrameTemplate {
    const key = `${lane}/${room}`;
    let template = this.#templates.get(key);
    if (template === undefined) {
      const id = this.plan.lanes[lane]?.[room];
      if (id === undefined) throw new Error(`no room ${room} in lane ${lane}`);
      const bytes = this.#driver.publish(id, markedText(this.plan.textBytes));
      template = { bytes, marker: markerOffset(bytes) };
      this.#templates.set(key, template);
    }
    return template;
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  async #open(room: number, member: number): Promise<void> {
    const { plan } = this;
    const tokens = plan.tokens[room] ?? [];
    const lane = Object.keys(plan.lanes)[0] ?? '';
    const endpoint = plan.endpoints[(room + member) % plan.endpoints.length] as Endpoint;
    const socket = new ClientSocket(
      endpoint,
      this.#driver,
      { room: plan.lanes[lane]?.[room] ?? '', token: tokens[member % tokens.length] },
      plan.textBytes,
      ignore,
      room,
    );
    const slot = publisherSlot(member, plan.membersPerRoom, plan.publishersPerRoom);
    if (slot >= 0) {
      // Slot by slot, then room by room: the first `rooms` publishers are one of each room.
      socket.publisher = slot * plan.rooms + room;
      this.publishers.push(socket);
    }
    this.sockets.push(socket);
    await socket.joined;
  }
}

/** Which publisher of its room a member is, or -1. Slot 0 is the last member, the others are spread evenly. */
export function publisherSlot(member: number, members: number, publishers: number): number {
  for (let slot = 0; slot < publishers; slot += 1) {
    if (Math.floor(((publishers - slot) * members) / publishers) - 1 === member) return slot;
  }
  return -1;
}
