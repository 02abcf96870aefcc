-- A page of a room's members.
-- $1 text room, $2 text the last user seen ('' for the first page), $3 integer how many
SELECT user_id AS "user", role FROM members WHERE room = $1 AND user_id > $2 ORDER BY user_id LIMIT $3
