-- Writes messages of many rooms, as far as the writer still owns their partitions. Gives the partitions that it owns.
-- $1..$9: one array per column, one element per message.
-- $1 text[] room, $2 smallint[] partition, $3 bigint[] seq, $4 uuid[] id, $5 text[] sender, $6 text[] client key,
-- $7 text[] text, $8 text[] data (JSON or null), $9 timestamptz[] at
-- $10 smallint[] partitions touched, $11 integer[] their epochs, $12 text the writer
--
-- FOR KEY SHARE holds a take-over back until this statement is done; one that came first makes the row drop out here,
-- and with it all messages of that partition. The order by id is for two writers never to wait for each other.
WITH fence AS MATERIALIZED (
  SELECT p.id, p.epoch
  FROM unnest($10::smallint[], $11::integer[]) AS f (id, epoch)
  JOIN partitions p ON p.id = f.id AND p.epoch = f.epoch
  WHERE p.owner = $12
  ORDER BY p.id
  FOR KEY SHARE OF p
), written AS (
  INSERT INTO messages (room, seq, id, sender, client_key, text, data, at, epoch)
  SELECT b.room, b.seq, b.id, b.sender, b.client_key, b.text, b.data::json, b.at, fence.epoch
  FROM unnest(
    $1::text[], $2::smallint[], $3::bigint[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[],
    $9::timestamptz[]
  ) AS b (room, partition, seq, id, sender, client_key, text, data, at)
  JOIN fence ON fence.id = b.partition
)
SELECT id FROM fence
