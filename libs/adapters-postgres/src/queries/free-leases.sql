-- Takes every partition from whoever owned it, for a database that has one user at a time.
WITH gone AS (
  DELETE FROM pods
), owned AS MATERIALIZED (
  SELECT id FROM partitions WHERE owner IS NOT NULL ORDER BY id FOR UPDATE
)
UPDATE partitions p SET owner = NULL, lease_until = '-infinity' FROM owned WHERE p.id = owned.id
