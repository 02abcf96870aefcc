-- The kind and head of each room of a user; the head is -1 where only the room's actor knows it.
-- $1 text user
SELECT r.id AS room, r.kind, CASE WHEN r.durable THEN r.head ELSE -1 END AS head
FROM members m JOIN rooms_with_head r ON r.id = m.room
WHERE m.user_id = $1
ORDER BY r.id
