-- Takes free or expired partitions, raising their epochs. Rows that somebody else is taking, or is committing under at
-- this moment, are passed over: a later call gets them.
-- $1 text pod, $2 integer at most, $3 double precision ttl in ms
--
-- now() is when this statement began, which is after its caller began to count: the row ends later than the caller's
-- lease. A CTE, because a sub-select with a LIMIT may be run more than once by a join.
WITH free AS MATERIALIZED (
  SELECT id FROM partitions
  WHERE owner IS NULL OR lease_until <= now()
  ORDER BY id
  LIMIT $2
  FOR UPDATE SKIP LOCKED
)
UPDATE partitions p
SET owner = $1, epoch = p.epoch + 1, lease_until = now() + $3::double precision * interval '1 millisecond'
FROM free
WHERE p.id = free.id
RETURNING p.id AS partition, p.epoch
