-- $1 text id
SELECT password_hash AS "passwordHash" FROM users WHERE id = $1
