import type { OverflowMode, Role, RoomHead, RoomKind } from '@troupe/protocol';

export interface UserRecord {
  id: string;
  name: string;
}

export interface RoomSummary {
  room: string;
  kind: RoomKind;
  title: string | null;
  open: boolean;
  durable: boolean;
  onOverflow: OverflowMode;
  /** The asking user's role; null where they are no member. */
  role: Role | null;
  head: number;
  lastRead: number;
  /** RFC 3339, UTC: when the room was made. */
  at: string;
}

export interface NewRoom {
  room: string;
  kind: RoomKind;
  title: string | null;
  open: boolean;
  durable: boolean;
  onOverflow: OverflowMode;
  members: { user: string; role: Role }[];
}

/** Accounts, service clients and signing keys. All methods reject with `StoreUnavailable`. */
export interface AccountStore {
  /** False when the id is taken, in whatever case it is written. */
  createUser(user: { id: string; name: string; passwordHash: string }): Promise<boolean>;
  user(id: string): Promise<UserRecord | null>;
  passwordHash(id: string): Promise<string | null>;
  /** Which of the ids exist. */
  existing(ids: readonly string[]): Promise<Set<string>>;
  service(id: string): Promise<{ id: string; secretHash: string; scopes: string[] } | null>;
  /** The key pair (JWK) that signs tokens, made by `create` when there is none yet; all pods get the same one. */
  signingKey(create: () => Promise<SigningKey>): Promise<SigningKey>;
}

export interface SigningKey {
  kid: string;
  privateJwk: Record<string, unknown>;
  publicJwk: Record<string, unknown>;
}

/** Rooms as people list and make them. Messages and member changes go through the room's actor instead. */
export interface RoomDirectory {
  /** The kind and head of each room of a user, in one query; −1 where only the room's actor knows it (not durable). */
  headsOf(user: string): Promise<RoomHead[]>;
  /** A page of a user's rooms in order of room id, with `after` as the last id seen. */
  roomsOf(user: string, page: { after: string | null; limit: number }): Promise<RoomSummary[]>;
  /** A room as one user sees it, or null if there is none. */
  room(room: string, viewer: string): Promise<RoomSummary | null>;
  /** Makes a room with its first members in one transaction; false if the id is taken. */
  create(room: NewRoom): Promise<boolean>;
  members(
    room: string,
    page: { after: string | null; limit: number },
  ): Promise<{ user: string; role: Role }[]>;
}
