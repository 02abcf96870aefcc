import type { Role } from './message';
import type { JsonObject } from './message';

/**
 * Commands from a gateway (or another edge) to the actor of a room. They travel as JSON in a {@link CommandBatch},
 * one batch per partition and turn. `ref` is the edge's own number for the reply; `session` is the edge's number of a
 * socket, unique within the edge's incarnation.
 */
export type ActorCommand =
  | PublishCommand
  | AttachCommand
  | DetachCommand
  | LaggingCommand
  | ResumeCommand
  | ReplayCommand
  | MemberCommand
  | ReloadCommand;

export interface PublishCommand {
  t: 'publish';
  ref: number;
  room: string;
  from: string;
  /** Set when a service with the scope `publish` sends: it needs no membership. */
  service?: true;
  /** UUIDv7 of the message, made by the edge so that sending again after a lost reply stays one message. */
  id: string;
  clientId?: string;
  text: string;
  data?: JsonObject;
}

/** Tells the actor that sessions read the room. Idempotent. Answered with an `attached` record. */
export interface AttachCommand {
  t: 'attach';
  room: string;
  /**
   * The last seq that this edge has for the room, for all of its live sessions; the actor then sends what came after.
   * Null: from now on.
   */
  after: number | null;
  /** The edge cannot be sure of what it knows: the actor loads the room if it has to, and says its head. */
  needHead?: true;
  /** These are all sessions that the edge has in the room (or the first of them): others have left unheard. */
  whole?: true;
  /** Comes back in `attached`: by it the edge knows that nothing of its sessions was lost on the way. */
  serial?: number;
  sessions: [session: number, user: string][];
}

export interface DetachCommand {
  t: 'detach';
  room: string;
  session: number;
}

/** The session's socket is past its high-water mark: from `after` on, its mailbox keeps its messages. */
export interface LaggingCommand {
  t: 'lagging';
  room: string;
  session: number;
  after: number;
}

/** The session can take more. Answered with a `piece` record. */
export interface ResumeCommand {
  t: 'resume';
  room: string;
  session: number;
  user: string;
  after: number;
  /** `mailbox`: what the mailbox still has (a slow reader). `history`: also from the store (a returning session). */
  mode: 'mailbox' | 'history';
  bytesMax: number;
}

/** The edge's stream for the room has a hole after this seq: send it again from there. */
export interface ReplayCommand {
  t: 'replay';
  room: string;
  after: number;
}

export interface MemberCommand {
  t: 'member';
  ref: number;
  room: string;
  /** Who becomes, or stops being, a member. */
  user: string;
  /** Who asks for it; equal to `user` for joining and leaving by oneself. */
  by: string;
  change: 'join' | 'leave';
  role?: Role;
  /** Set when a service with the scope `rooms` asks. */
  service?: true;
}

/** The room's row changed (title, settings, deleted): read it again before the next command. */
export interface ReloadCommand {
  t: 'reload';
  ref: number;
  room: string;
}

export interface CommandBatch {
  /** The edge's incarnation; replies go to `subjects.gateway(edge)`. */
  edge: string;
  partition: number;
  /**
   * The owner's epoch as the edge knows it; 0 if it knows none. Another owner does nothing of the batch but say its own:
   * what went to the one before may be lost, and has to come first.
   */
  epoch: number;
  commands: ActorCommand[];
}

export function encodeCommandBatch(batch: CommandBatch): Buffer {
  return Buffer.from(JSON.stringify(batch));
}

/** Reads a batch. Between pods of one version: a batch that does not parse is a bug, and throws. */
export function decodeCommandBatch(bytes: Uint8Array): CommandBatch {
  return JSON.parse(
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'),
  ) as CommandBatch;
}

/** Who owns which partitions, as told on `subjects.ownership`. */
export interface OwnershipNotice {
  pod: string;
  /** Partitions taken, with the new epoch: edges attach their sessions again. */
  gained: [partition: number, epoch: number][];
  /** Partitions given back in good order: other pods may take them at once. */
  released: number[];
}

/** A membership change, as told to every edge on `subjects.membership`. */
export interface MembershipNotice {
  room: string;
  user: string;
  change: 'joined' | 'left';
  /** The room's head when it happened: a session that attaches for it misses nothing after. */
  head: number;
  /** Not a change: said again for those who may have missed it. A session that does not want the room is left alone. */
  again?: true;
}
