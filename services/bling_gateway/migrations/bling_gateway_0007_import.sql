-- imports of which some orders cannot be read
-- depends: bling_gateway_0005_reconcile

-- migrate: apply

-- `ended`: all days are listed, and whatever was not read waits for a person, or was given up.
ALTER TABLE import_run ADD COLUMN ended boolean NOT NULL DEFAULT false;

-- migrate: rollback
