-- Ids are compared byte by byte everywhere: COLLATE "C" makes that true of indexes and of ORDER BY, whatever the
-- database's locale is.

CREATE TABLE users (
  id text COLLATE "C" PRIMARY KEY,
  name text NOT NULL,
  password_hash text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
-- "Alice" and "alice" would be told apart by nobody.
CREATE UNIQUE INDEX users_id_folded ON users (lower(id));

CREATE TABLE services (
  id text COLLATE "C" PRIMARY KEY,
  secret_hash text NOT NULL,
  scopes text[] NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE signing_keys (
  kid text COLLATE "C" PRIMARY KEY,
  private_jwk jsonb NOT NULL,
  public_jwk jsonb NOT NULL,
  current boolean NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
-- At most one key signs: of several pods that start at once with none, one makes it and the others read it.
CREATE UNIQUE INDEX signing_keys_one_current ON signing_keys (current) WHERE current;

CREATE TABLE rooms (
  id text COLLATE "C" PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('private', 'group', 'channel')),
  title text,
  open boolean NOT NULL,
  durable boolean NOT NULL,
  on_overflow text NOT NULL CHECK (on_overflow IN ('drop-oldest', 'disconnect')),
  -- The end of the seqs promised to the owners of a room that is not durable.
  seq_reserved bigint NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE members (
  room text COLLATE "C" NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
  user_id text COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  role text NOT NULL CHECK (role IN ('owner', 'admin', 'member')),
  last_read bigint NOT NULL DEFAULT 0,
  joined_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id, room)
);
CREATE INDEX members_by_room ON members (room, user_id);

-- No foreign key to rooms: it would lock the room's row for each message of each batch. The actor that writes has
-- loaded the room.
CREATE TABLE messages (
  room text COLLATE "C" NOT NULL,
  seq bigint NOT NULL CHECK (seq > 0),
  id uuid NOT NULL,
  sender text COLLATE "C" NOT NULL,
  -- 'c:' and the sender's clientId, or 'm:' and the message's own id: every repeat of a message meets its first one.
  client_key text COLLATE "C" NOT NULL,
  text text NOT NULL,
  -- json, not jsonb: kept as written. jsonb refuses some legal JSON (\u0000, a lone surrogate), and one such message
  -- would take the whole batch down with it.
  data json,
  at timestamptz NOT NULL,
  -- The owner's epoch, for whoever checks afterwards that no stale owner wrote.
  epoch integer NOT NULL,
  PRIMARY KEY (room, seq),
  UNIQUE (room, sender, client_key)
) PARTITION BY HASH (room);
CREATE TABLE messages_0 PARTITION OF messages FOR VALUES WITH (MODULUS 8, REMAINDER 0);
CREATE TABLE messages_1 PARTITION OF messages FOR VALUES WITH (MODULUS 8, REMAINDER 1);
CREATE TABLE messages_2 PARTITION OF messages FOR VALUES WITH (MODULUS 8, REMAINDER 2);
CREATE TABLE messages_3 PARTITION OF messages FOR VALUES WITH (MODULUS 8, REMAINDER 3);
CREATE TABLE messages_4 PARTITION OF messages FOR VALUES WITH (MODULUS 8, REMAINDER 4);
CREATE TABLE messages_5 PARTITION OF messages FOR VALUES WITH (MODULUS 8, REMAINDER 5);
CREATE TABLE messages_6 PARTITION OF messages FOR VALUES WITH (MODULUS 8, REMAINDER 6);
CREATE TABLE messages_7 PARTITION OF messages FOR VALUES WITH (MODULUS 8, REMAINDER 7);

-- A room's head is the newest message, by one index probe; of a room that was not durable for some time, at least
-- what it had promised then.
CREATE VIEW rooms_with_head AS
SELECT r.id, r.kind, r.title, r.open, r.durable, r.on_overflow, r.created_at,
  GREATEST(
    r.seq_reserved,
    (SELECT m.seq FROM messages m WHERE m.room = r.id ORDER BY m.seq DESC LIMIT 1)
  ) AS head
FROM rooms r;

-- Who owns which partition. Owner and epoch are part of a unique key on purpose: changing them is then a change of
-- key, which waits for everybody who holds the row FOR KEY SHARE, and moving lease_until is not. A commit (which holds
-- it so) is thus safe from a take-over in its middle, and neither delays a renewal nor can deadlock with one.
CREATE TABLE partitions (
  id smallint PRIMARY KEY,
  owner text COLLATE "C",
  epoch integer NOT NULL DEFAULT 0,
  lease_until timestamptz NOT NULL DEFAULT '-infinity',
  UNIQUE (id, owner, epoch)
) WITH (fillfactor = 50);
INSERT INTO partitions (id) SELECT generate_series(0, 255);

CREATE TABLE pods (
  id text COLLATE "C" PRIMARY KEY,
  alive_until timestamptz NOT NULL
) WITH (fillfactor = 50);
