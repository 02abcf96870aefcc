-- Promises the next seqs of a room that is not durable. `held` is 0 when the fence no longer holds; `reserved` is null
-- then, and when there is no such room.
-- $1 smallint partition, $2 text writer, $3 integer epoch, $4 text room, $5 bigint how many
WITH fence AS MATERIALIZED (
  SELECT id FROM partitions WHERE id = $1 AND owner = $2 AND epoch = $3 FOR KEY SHARE
), promised AS (
  UPDATE rooms r
  SET seq_reserved = $5 + GREATEST(
    r.seq_reserved,
    (SELECT m.seq FROM messages m WHERE m.room = r.id ORDER BY m.seq DESC LIMIT 1)
  )
  FROM fence
  WHERE r.id = $4
  RETURNING r.seq_reserved
)
SELECT (SELECT count(*) FROM fence) AS held, (SELECT seq_reserved FROM promised) AS reserved
