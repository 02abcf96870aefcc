-- A room as one user sees it.
-- $1 text room, $2 text viewer
SELECT r.id AS room, r.kind, r.title, r.open, r.durable, r.on_overflow AS "onOverflow", m.role, r.head,
  COALESCE(m.last_read, 0) AS "lastRead",
  to_char(r.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS at
FROM rooms_with_head r LEFT JOIN members m ON m.room = r.id AND m.user_id = $2
WHERE r.id = $1
