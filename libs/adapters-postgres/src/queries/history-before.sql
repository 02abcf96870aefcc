-- The newest messages before a seq.
-- $1 text room, $2 bigint seq, $3 integer how many
SELECT room, seq, id, sender, text, data, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS at
FROM messages
WHERE room = $1 AND seq < $2
ORDER BY seq DESC
LIMIT $3
