-- connections to 360Hub, and how far each shipment and product was followed
-- depends:

-- migrate: apply

-- An account's client at 360Hub. What 360Hub calls the account never changes once it has shipments.
-- `verified_at` is set when 360Hub proved that its events reach us.
CREATE TABLE connection (
    partition smallint NOT NULL,
    account_id uuid NOT NULL,
    hub_account_id text NOT NULL,
    client_id text NOT NULL,
    client_secret bytea NOT NULL,
    endpoint_id text NOT NULL,
    verified_at timestamptz,
    PRIMARY KEY (partition, account_id)
);

-- What 360Hub signs its events with, sealed. The secret of an endpoint that was replaced stays in
-- use until `valid_until`, because its deliveries are repeated for days.
CREATE TABLE webhook_secret (
    partition smallint NOT NULL,
    account_id uuid NOT NULL,
    endpoint_id text NOT NULL,
    secret bytea NOT NULL,
    valid_until timestamptz,
    PRIMARY KEY (partition, account_id, endpoint_id)
);

-- One shipment of an order. `last_sequence` counts the events of 360Hub's that became facts, and
-- moves in the transaction that puts those facts into the outbox.
-- Once `cancelled_by` (a command) is set, the shipment is never registered again.
CREATE TABLE shipment (
    partition smallint NOT NULL,
    account_id uuid NOT NULL,
    reference text NOT NULL,
    stream text NOT NULL,
    number integer NOT NULL,
    last_sequence bigint NOT NULL DEFAULT 0,
    cancelled_by uuid,
    PRIMARY KEY (partition, account_id, reference)
) WITH (fillfactor = 80);

-- A product that we imported, followed like a shipment.
CREATE TABLE product (
    partition smallint NOT NULL,
    account_id uuid NOT NULL,
    reference text NOT NULL,
    stream text NOT NULL,
    product_id bigint NOT NULL,
    last_sequence bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (partition, account_id, reference)
) WITH (fillfactor = 80);

-- The exact bytes of a call that 360Hub knows by its key, kept while its result is unknown.
CREATE TABLE prepared_call (
    partition smallint NOT NULL,
    account_id uuid NOT NULL,
    command_id uuid NOT NULL,
    idempotency_key text NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (partition, account_id, command_id)
);

-- How far the account's changes were read, and when they are read next.
CREATE TABLE change_cursor (
    partition smallint NOT NULL,
    account_id uuid NOT NULL,
    cursor text,
    due_at timestamptz NOT NULL,
    PRIMARY KEY (partition, account_id)
);
CREATE INDEX change_cursor_due ON change_cursor (partition, due_at);

-- migrate: rollback
