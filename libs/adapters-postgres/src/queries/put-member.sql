-- Adds or changes a member. `held` is 0 when the fence no longer holds. Fails with 23503 when there is no such user.
-- $1 smallint partition, $2 text writer, $3 integer epoch, $4 text room, $5 text user, $6 text role
WITH fence AS MATERIALIZED (
  SELECT id FROM partitions WHERE id = $1 AND owner = $2 AND epoch = $3 FOR KEY SHARE
), put AS (
  INSERT INTO members (room, user_id, role)
  SELECT $4, $5, $6 FROM fence
  ON CONFLICT (user_id, room) DO UPDATE SET role = excluded.role
)
SELECT count(*) AS held FROM fence
