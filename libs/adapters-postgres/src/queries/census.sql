-- How many pods are alive, and how many partitions have an owner whose lease runs.
SELECT
  (SELECT count(*) FROM pods WHERE alive_until > now()) AS pods,
  (SELECT count(*) FROM partitions WHERE owner IS NOT NULL AND lease_until > now()) AS owned
