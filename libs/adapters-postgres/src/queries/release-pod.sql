-- Gives everything back that a pod owns, and forgets the pod.
-- $1 text pod
WITH gone AS (
  DELETE FROM pods WHERE id = $1
), mine AS MATERIALIZED (
  SELECT id FROM partitions WHERE owner = $1 ORDER BY id FOR UPDATE
)
UPDATE partitions p SET owner = NULL, lease_until = '-infinity' FROM mine WHERE p.id = mine.id
