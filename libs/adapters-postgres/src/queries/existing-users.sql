-- $1 text[] ids
SELECT id FROM users WHERE id = ANY ($1::text[])
