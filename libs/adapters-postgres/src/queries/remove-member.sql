-- Removes a member, if there is one. `held` is 0 when the fence no longer holds.
-- $1 smallint partition, $2 text writer, $3 integer epoch, $4 text room, $5 text user
WITH fence AS MATERIALIZED (
  SELECT id FROM partitions WHERE id = $1 AND owner = $2 AND epoch = $3 FOR KEY SHARE
), removed AS (
  DELETE FROM members m USING fence WHERE m.room = $4 AND m.user_id = $5
)
SELECT count(*) AS held FROM fence
