-- Gives partitions back, as far as they are still owned under these epochs. Waits for commits under way.
-- $1 text pod, $2 smallint[] partitions, $3 integer[] their epochs
WITH mine AS MATERIALIZED (
  SELECT p.id
  FROM unnest($2::smallint[], $3::integer[]) AS l (id, epoch)
  JOIN partitions p ON p.id = l.id AND p.epoch = l.epoch
  WHERE p.owner = $1
  ORDER BY p.id
  FOR UPDATE OF p
)
UPDATE partitions p SET owner = NULL, lease_until = '-infinity' FROM mine WHERE p.id = mine.id
