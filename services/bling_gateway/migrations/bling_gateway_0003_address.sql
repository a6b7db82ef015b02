-- what each outgoing address has asked of Bling
-- depends: bling_gateway_0001_orders

-- migrate: apply

-- One row per address, for all replicas and accounts behind it: when one more call of each kind
-- need not wait, and until when Bling does not let the address in. Updated with every call, in
-- place as long as pages have room.
CREATE TABLE address (
    name text NOT NULL PRIMARY KEY,
    requests_free_at timestamptz NOT NULL DEFAULT '-infinity',
    tokens_free_at timestamptz NOT NULL DEFAULT '-infinity',
    errors_free_at timestamptz NOT NULL DEFAULT '-infinity',
    blocked_until timestamptz NOT NULL DEFAULT '-infinity',
    tokens_blocked_until timestamptz NOT NULL DEFAULT '-infinity'
) WITH (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- migrate: rollback
