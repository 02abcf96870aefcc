import type { EdgeSession, Fanout, Outlet, Subscription } from '@troupe/edge';
import type { ServerFrame } from '@troupe/protocol';
import type { ProcessClock } from './process-clock';
import type { SimWorld } from './sim.world';

/** Frames that a socket holds before it says no. */
const HIGH_WATER = 4;

/** A client's socket that is read now and then, and what its client has seen. */
export class SimSession implements EdgeSession, Outlet {
  readonly subscriptions = new Map<string, Subscription>();
  catching: Subscription | null = null;
  open = true;
  /** Up to where the client has been told, by room: where it would resume. */
  readonly told = new Map<string, number>();
  private unread: ServerFrame[] = [];

  constructor(
    /** Unique in the run. */
    readonly name: string,
    readonly no: number,
    readonly user: string,
    readonly edge: { readonly fanout: Fanout; readonly clock: ProcessClock },
    private readonly world: SimWorld,
  ) {}

  get outlet(): Outlet {
    return this;
  }

  get writable(): boolean {
    return this.unread.length < HIGH_WATER;
  }

  write(frames: Uint8Array): void {
    for (const line of Buffer.from(frames).toString().split('\n')) {
      if (line !== '') this.unread.push(JSON.parse(line) as ServerFrame);
    }
  }

  control(frame: Uint8Array): void {
    this.write(frame);
  }

  overflow(): void {
    this.world.violated(`${this.name} was told of an overflow in a room that drops`);
  }

  join(room: string, options: { head: number; resumeAfter?: number }): void {
    if (this.subscriptions.has(room)) return;
    this.edge.fanout.join(this, room, options, (head, go) => {
      const from = options.resumeAfter ?? head();
      this.world.recorder.add({ t: 'attach', session: this.name, room, head: from });
      this.told.set(room, from);
      go();
    });
  }

  leave(room: string): void {
    if (!this.edge.fanout.leave(this, room)) return;
    // What was on its way to the client still arrives, as it would before `left`.
    this.read(Infinity);
    this.world.recorder.add({ t: 'detach', session: this.name, room });
  }

  /** The client reads some frames. */
  read(count: number): void {
    for (let i = 0; i < count; i++) {
      const frame = this.unread.shift();
      if (!frame) break;
      this.see(frame);
    }
    if (this.open && this.writable) this.edge.fanout.drained(this);
  }

  close(): void {
    if (!this.open) return;
    this.open = false;
    this.edge.fanout.close(this);
    this.unread = [];
    this.world.recorder.add({ t: 'detach', session: this.name, room: null });
  }

  private see(frame: ServerFrame): void {
    const session = this.name;
    if (frame.type === 'message') {
      const { room, seq, id, from, text } = frame;
      this.world.recorder.add({ t: 'receive', session, room, seq, id, from, text });
      this.follows(room, seq, seq);
    } else if (frame.type === 'gap') {
      const { room, from, to, count } = frame;
      this.world.recorder.add({ t: 'gap', session, room, from, to, count });
      this.follows(room, from, to);
    }
  }

  private follows(room: string, from: number, to: number): void {
    const told = this.told.get(room);
    if (told === undefined || from !== told + 1)
      this.world.violated(`${this.name} was told ${from}..${to} of ${room} after ${told ?? 'nothing'}`);
    this.told.set(room, to);
  }
}
