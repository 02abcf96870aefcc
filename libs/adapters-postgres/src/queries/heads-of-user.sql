-- The kind and head of each room of a user.
-- $1 text user
SELECT r.id AS room, r.kind, r.head
FROM members m JOIN rooms_with_head r ON r.id = m.room
WHERE m.user_id = $1
ORDER BY r.id
