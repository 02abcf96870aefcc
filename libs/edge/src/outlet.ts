/**
 * One reader's transport, as the fan-out sees it.
 *
 * `write` and `control` take complete frames of the transport and never fail; what they are given in one turn may
 * leave in one write. A gateway's socket is such an outlet; a test may bring any other.
 */
export interface Outlet {
  /** False while too much is unsent: no messages until the owner calls `Fanout.drained`. */
  readonly writable: boolean;
  /** Messages, in order. `last`: nothing more comes in this turn, so they need not be held for one write. */
  write(frames: Uint8Array, last?: boolean): void;
  /** Replies and events that may not be dropped; a reader that does not take even these is closed by its outlet. */
  control(frame: Uint8Array): void;
  /** The room's mailbox is full and the room is set to disconnect. */
  overflow(): void;
}

/** Turns the JSON text of one frame into a frame of the transport. */
export type FrameCodec = (body: Uint8Array) => Uint8Array;
