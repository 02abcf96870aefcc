-- Gives a row when the user was made, none when the id is taken in whatever case.
-- $1 text id, $2 text name, $3 text password hash
INSERT INTO users (id, name, password_hash) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING id
