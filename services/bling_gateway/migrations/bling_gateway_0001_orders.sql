-- Bling's companies and tokens, and what was last seen of orders and products
-- depends:

-- migrate: apply

-- Which account a webhook is for. Looked up by the company alone: a small table that every node of
-- a cluster keeps whole.
CREATE TABLE company (
    company_id text NOT NULL PRIMARY KEY,
    partition smallint NOT NULL,
    account_id uuid NOT NULL UNIQUE
);

-- An authorisation that was begun in a browser: used once, soon gone. Whole on every node, too.
CREATE TABLE oauth_state (
    state_digest bytea NOT NULL PRIMARY KEY,
    cookie_digest bytea NOT NULL,
    account_id uuid NOT NULL,
    expires_at timestamptz NOT NULL
);

-- The account's tokens, sealed. Locking this row is the right to renew them.
CREATE TABLE token (
    partition smallint NOT NULL,
    account_id uuid NOT NULL,
    sealed bytea NOT NULL,
    renew_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (partition, account_id)
);

-- What was last published of an order. `as_of`: a reading that began earlier is out of date.
CREATE TABLE order_seen (
    partition smallint NOT NULL,
    account_id uuid NOT NULL,
    order_id bigint NOT NULL,
    observation integer NOT NULL DEFAULT 0,
    as_of timestamptz,
    situation bigint,
    total numeric,
    contact_id bigint,
    invoice_id bigint,
    read_at timestamptz,
    deleted_at timestamptz,
    missing_since timestamptz,
    gone boolean NOT NULL DEFAULT false,
    PRIMARY KEY (partition, account_id, order_id)
);
CREATE INDEX order_seen_invoice ON order_seen (partition, account_id, invoice_id)
    WHERE invoice_id IS NOT NULL;
CREATE INDEX order_seen_contact ON order_seen (partition, account_id, contact_id, order_id);
CREATE INDEX order_seen_read ON order_seen (partition, account_id, read_at);

-- What webhooks named since the order was last read.
CREATE TABLE hint (
    partition smallint NOT NULL,
    account_id uuid NOT NULL,
    order_id bigint NOT NULL,
    webhook_id text NOT NULL,
    situation bigint NOT NULL,
    at timestamptz NOT NULL,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (partition, account_id, order_id, webhook_id)
);

-- The one webhook that our own write will cause, if nothing else happens.
CREATE TABLE echo_ticket (
    partition smallint NOT NULL,
    account_id uuid NOT NULL,
    order_id bigint NOT NULL,
    command_id uuid NOT NULL,
    fingerprint bytea NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (partition, account_id, order_id, command_id)
);

-- Contacts, products and invoices as Bling gave them, sealed: read again when they may have changed.
CREATE TABLE reading (
    partition smallint NOT NULL,
    account_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('contact', 'product', 'invoice')),
    id bigint NOT NULL,
    read_at timestamptz NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (partition, account_id, kind, id)
);
CREATE INDEX reading_age ON reading (partition, read_at);

CREATE TABLE product_seen (
    partition smallint NOT NULL,
    account_id uuid NOT NULL,
    product_id bigint NOT NULL,
    observation integer NOT NULL DEFAULT 0,
    gone boolean NOT NULL DEFAULT false,
    PRIMARY KEY (partition, account_id, product_id)
);

-- How far each account was compared with Bling, and when it is due again.
CREATE TABLE reconcile (
    partition smallint NOT NULL,
    account_id uuid NOT NULL,
    changed_until timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    PRIMARY KEY (partition, account_id)
);
CREATE INDEX reconcile_due ON reconcile (partition, due_at);

-- migrate: rollback
