-- Makes a service client, if there is none of that id.
-- $1 text id, $2 text secret hash, $3 text[] scopes
INSERT INTO services (id, secret_hash, scopes) VALUES ($1, $2, $3::text[]) ON CONFLICT (id) DO NOTHING
