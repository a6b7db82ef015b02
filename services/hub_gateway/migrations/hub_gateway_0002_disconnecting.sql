-- accounts that gave their credentials back; when each was last compared
-- depends: hub_gateway_0001_orders

-- migrate: apply

-- Without credentials, and without an endpoint, an account keeps its name at 360Hub: its shipments
-- are there. `made_at`: when the credentials were stored.
ALTER TABLE connection
    ALTER COLUMN client_id DROP NOT NULL,
    ALTER COLUMN client_secret DROP NOT NULL,
    ALTER COLUMN endpoint_id DROP NOT NULL,
    ADD COLUMN made_at timestamptz NOT NULL DEFAULT now();

-- When everything that had changed was last compared.
ALTER TABLE change_cursor ADD COLUMN compared_at timestamptz;

-- migrate: rollback
