-- Extends what a pod owns, and says that the pod is alive. An expired partition that nobody took is extended too: as
-- nobody took it, nobody else can have written.
-- $1 text pod, $2 double precision ttl in ms
WITH alive AS (
  INSERT INTO pods (id, alive_until)
  VALUES ($1, now() + $2::double precision * interval '1 millisecond')
  ON CONFLICT (id) DO UPDATE SET alive_until = excluded.alive_until
), forgotten AS (
  -- Pods have a new name at each start: without this the table would grow for ever.
  DELETE FROM pods WHERE id IN (
    SELECT id FROM pods WHERE alive_until < now() - interval '1 hour' AND id <> $1 FOR UPDATE SKIP LOCKED
  )
), mine AS MATERIALIZED (
  SELECT id FROM partitions WHERE owner = $1 ORDER BY id FOR NO KEY UPDATE
)
UPDATE partitions p
SET lease_until = now() + $2::double precision * interval '1 millisecond'
FROM mine
WHERE p.id = mine.id
RETURNING p.id AS partition, p.epoch
