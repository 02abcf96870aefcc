import type { Scanner, ScannerSink } from '../scanner';

/** What a frame that is no delivery means. */
export interface ControlMeaning {
  joined?: true;
  /** A frame to send back, already encoded. */
  reply?: Buffer;
  error?: string;
  gap?: { from: number; to: number };
}

export interface MemberIdentity {
  /** The room that the member reads: that of the first lane. */
  room: string;
  token: string | undefined;
}

/** How the generator speaks one peer's protocol. */
export interface Driver {
  readonly path: (member: MemberIdentity) => string;
  readonly subprotocol?: string;
  /** Whether the member is in its room as soon as the upgrade is answered. */
  readonly joinedByUpgrade: boolean;
  /** The first frames after the upgrade. */
  greet(member: MemberIdentity): Buffer[];
  scanner(sink: ScannerSink, member: MemberIdentity, textBytes: number): Scanner;
  control(payload: string, member: MemberIdentity): ControlMeaning;
  /** One frame that publishes `text`; the marker in it is patched for each message. */
  publish(room: string, text: string): Buffer;
  /** The room's own number of a delivered message, where the protocol has one. */
  seqOf?(payload: string): number;
}
