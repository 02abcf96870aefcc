-- Adds the key that signs, unless another pod was quicker.
-- $1 text kid, $2 jsonb private JWK, $3 jsonb public JWK
INSERT INTO signing_keys (kid, private_jwk, public_jwk, current)
VALUES ($1, $2::text::jsonb, $3::text::jsonb, true)
ON CONFLICT DO NOTHING
