-- Rooms as their actors need them, members included.
-- $1 text[] rooms
SELECT r.id AS room, r.kind, r.title, r.open, r.durable, r.on_overflow AS "onOverflow", r.head,
  COALESCE(
    (SELECT json_agg(json_build_object('user', m.user_id, 'role', m.role) ORDER BY m.user_id)
     FROM members m WHERE m.room = r.id),
    '[]'
  ) AS members
FROM rooms_with_head r
WHERE r.id = ANY ($1::text[])
