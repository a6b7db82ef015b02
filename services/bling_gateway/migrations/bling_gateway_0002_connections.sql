-- The companies' names, and tokens that stay alive though nobody uses them
-- depends: bling_gateway_0001_orders

-- migrate: apply

-- What sellers call the company, so that a refusal can name it. Empty: bound before it was kept.
ALTER TABLE company ADD COLUMN name text NOT NULL DEFAULT '';

-- When the seller last consented, when the pair came from Bling, and when it is renewed even if
-- nobody needs it: after 30 days without a renewal Bling forgets it.
ALTER TABLE token
    ADD COLUMN connected_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ADD COLUMN renewed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ADD COLUMN keep_alive_at timestamptz NOT NULL DEFAULT clock_timestamp();
-- A pair lasts six hours, by all that is known; when older ones came was not kept.
UPDATE token
SET renewed_at = expires_at - interval '6 hours', keep_alive_at = expires_at + interval '6 days';
CREATE INDEX token_keep_alive ON token (keep_alive_at);

-- migrate: rollback
