-- Makes a room with its first members. No row when the id is taken; 23503 when a member is no user.
-- $1 text room, $2 text kind, $3 text title, $4 boolean open, $5 boolean durable, $6 text on overflow,
-- $7 text[] users, $8 text[] their roles
WITH made AS (
  INSERT INTO rooms (id, kind, title, open, durable, on_overflow)
  VALUES ($1, $2, $3, $4, $5, $6)
  ON CONFLICT (id) DO NOTHING
  RETURNING id
), joined AS (
  INSERT INTO members (room, user_id, role)
  SELECT made.id, m.user_id, m.role FROM made, unnest($7::text[], $8::text[]) AS m (user_id, role)
)
SELECT id FROM made
