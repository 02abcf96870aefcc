-- Makes a room with members and first messages, all at once or, when the id is taken, not at all: a room that exists
-- may have an actor, which alone may give out its seqs.
-- $1 text room, $2 text title, $3 text[] users, $4 text[] roles, $5 uuid[] message ids, $6 text[] senders, $7 text[] texts
WITH made AS (
  INSERT INTO rooms (id, kind, title, open, durable, on_overflow)
  VALUES ($1, 'group', $2, true, true, 'drop-oldest')
  ON CONFLICT (id) DO NOTHING
  RETURNING id
), joined AS (
  INSERT INTO members (room, user_id, role)
  SELECT made.id, m.user_id, m.role FROM made, unnest($3::text[], $4::text[]) AS m (user_id, role)
), said AS (
  INSERT INTO messages (room, seq, id, sender, client_key, text, at, epoch)
  SELECT made.id, s.seq, s.id, s.sender, 'm:' || s.id::text, s.text, now(), 0
  FROM made, unnest($5::uuid[], $6::text[], $7::text[]) WITH ORDINALITY AS s (id, sender, text, seq)
)
SELECT id FROM made
