-- The head of each room that exists; an index probe per room.
-- $1 text[] rooms
SELECT r.id AS room, r.head FROM rooms_with_head r WHERE r.id = ANY ($1::text[])
