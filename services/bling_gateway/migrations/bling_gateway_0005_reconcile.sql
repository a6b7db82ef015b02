-- how far a comparison has come, whether webhooks come, and imports
-- depends: bling_gateway_0001_orders

-- migrate: apply

-- A comparison that is under way looks for changes until `comparing_until`, and has come to
-- `listed_until`. `listening_since`: webhooks are expected since then. `missed` changes were found
-- since `missed_since` of which no webhook told; `silent`: that was told.
ALTER TABLE reconcile
    ADD COLUMN comparing_until timestamptz,
    ADD COLUMN listed_until timestamptz,
    ADD COLUMN compared_at timestamptz,
    ADD COLUMN listening_since timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN missed_since timestamptz,
    ADD COLUMN missed integer NOT NULL DEFAULT 0,
    ADD COLUMN silent boolean NOT NULL DEFAULT false;

-- When an order's webhook last came, to the minute: a row that every webhook wrote would be hot.
CREATE TABLE webhook_heard (
    partition smallint NOT NULL,
    account_id uuid NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (partition, account_id)
) WITH (fillfactor = 50);

-- The account's last import: days are listed until `listed_until`, or all of them.
CREATE TABLE import_run (
    partition smallint NOT NULL,
    account_id uuid NOT NULL,
    command_id uuid NOT NULL,
    correlation_id uuid NOT NULL,
    began_at timestamptz NOT NULL,
    until date NOT NULL,
    listed_until date,
    listed boolean NOT NULL DEFAULT false,
    found integer NOT NULL DEFAULT 0,
    read integer NOT NULL DEFAULT 0,
    PRIMARY KEY (partition, account_id)
);

-- The orders that it found, until each is read.
CREATE TABLE import_order (
    partition smallint NOT NULL,
    account_id uuid NOT NULL,
    order_id bigint NOT NULL,
    read boolean NOT NULL DEFAULT false,
    PRIMARY KEY (partition, account_id, order_id)
);

-- migrate: rollback
