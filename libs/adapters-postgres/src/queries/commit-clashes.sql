-- What stands in the way of a commit that failed on a unique key: the messages that are there already.
-- `repeat`: the same message; otherwise another one has its seq.
-- $1 text[] room, $2 bigint[] seq, $3 uuid[] id, $4 text[] sender, $5 text[] client key
SELECT m.room, m.seq, m.id, m.sender, m.client_key AS "clientKey",
  to_char(m.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS at,
  m.id = b.id OR (m.sender = b.sender AND m.client_key = b.client_key) AS repeat
FROM unnest($1::text[], $2::bigint[], $3::uuid[], $4::text[], $5::text[]) AS b (room, seq, id, sender, client_key)
CROSS JOIN LATERAL (
  SELECT k.* FROM messages k WHERE k.room = b.room AND k.sender = b.sender AND k.client_key = b.client_key
  UNION ALL
  SELECT s.* FROM messages s WHERE s.room = b.room AND s.seq = b.seq
) m
