-- $1 text id
SELECT id, secret_hash AS "secretHash", scopes FROM services WHERE id = $1
