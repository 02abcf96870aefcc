-- A page of a user's rooms. The page is cut before the heads are looked up.
-- $1 text user, $2 text the last room seen ('' for the first page), $3 integer how many
WITH page AS MATERIALIZED (
  SELECT room, role, last_read FROM members WHERE user_id = $1 AND room > $2 ORDER BY room LIMIT $3
)
SELECT r.id AS room, r.kind, r.title, r.open, r.durable, r.on_overflow AS "onOverflow", page.role, r.head,
  page.last_read AS "lastRead",
  to_char(r.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS at
FROM page JOIN rooms_with_head r ON r.id = page.room
ORDER BY r.id
