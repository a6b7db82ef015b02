-- The event log, the states folded from it, and what waits around it
-- depends:

-- migrate: apply

-- Append-only: the service may select and insert, nothing else (see grants.sql).
CREATE TABLE event_log (
    partition       smallint    NOT NULL CHECK (partition BETWEEN 0 AND 15),
    account_id      uuid        NOT NULL,
    position        bigint      NOT NULL CHECK (position > 0),
    event_id        uuid        NOT NULL,
    stream          text        NOT NULL,
    stream_version  bigint      NOT NULL CHECK (stream_version > 0),
    kind            text        NOT NULL
        CHECK (kind IN ('fact', 'decision', 'command', 'withheld', 'human', 'timer')),
    type            text        NOT NULL,
    schema_version  smallint    NOT NULL,
    occurred_at     timestamptz NOT NULL,
    recorded_at     timestamptz NOT NULL,
    causation_id    uuid,
    correlation_id  uuid        NOT NULL,
    actor           text,
    source          text,
    source_sequence bigint,
    rules_revision  integer     NOT NULL,
    data            json        NOT NULL,
    subject         text,
    key_version     smallint,
    personal        bytea,
    hash            bytea       NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (partition, account_id, position),
    UNIQUE (partition, account_id, event_id),
    UNIQUE (partition, account_id, stream, stream_version),
    CHECK ((kind = 'fact') = (source_sequence IS NOT NULL)),
    CHECK (num_nulls(key_version, personal) IN (0, 2))
);

-- Where each account's log ends. Its row is the lock that gives positions without gaps.
CREATE TABLE account_head (
    partition   smallint    NOT NULL,
    account_id  uuid        NOT NULL,
    position    bigint      NOT NULL,
    hash        bytea       NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (partition, account_id)
) WITH (fillfactor = 50);

-- The states. "state" is canonical JSON, byte for byte what folding the stream again gives;
-- the other columns repeat what is searched for. "version" is the stream's last version.
CREATE TABLE accounts (
    partition  smallint    NOT NULL,
    account_id uuid        NOT NULL,
    version    bigint      NOT NULL,
    tag        text        NOT NULL,
    name       text        NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    state      json        NOT NULL,
    PRIMARY KEY (partition, account_id),
    UNIQUE (partition, tag)
) WITH (fillfactor = 70);

CREATE TABLE orders (
    partition    smallint    NOT NULL,
    account_id   uuid        NOT NULL,
    order_id     bigint      NOT NULL,
    version      bigint      NOT NULL,
    number       text        NOT NULL,
    store_number text,
    data_subject text,
    stage        text,
    situation    bigint,
    status       text,
    reasons      text[]      NOT NULL,
    started      boolean     NOT NULL,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    due_at       timestamptz,
    state        json        NOT NULL,
    PRIMARY KEY (partition, account_id, order_id)
) WITH (fillfactor = 70);
-- Pages walk by when an order was first seen: it never changes, so no order is skipped or repeated.
CREATE INDEX orders_newest ON orders (created_at DESC, account_id DESC, order_id DESC);
CREATE INDEX orders_newest_of_account
    ON orders (partition, account_id, created_at DESC, order_id DESC);
CREATE INDEX orders_due ON orders (partition, due_at) WHERE due_at IS NOT NULL;

CREATE TABLE products (
    partition  smallint    NOT NULL,
    account_id uuid        NOT NULL,
    product_id bigint      NOT NULL,
    version    bigint      NOT NULL,
    approval   text,
    missing    text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    state      json        NOT NULL,
    PRIMARY KEY (partition, account_id, product_id)
) WITH (fillfactor = 70);

-- Which orders wait for which product: told when it is imported, or cannot be.
CREATE TABLE order_product (
    partition  smallint NOT NULL,
    account_id uuid     NOT NULL,
    product_id bigint   NOT NULL,
    order_id   bigint   NOT NULL,
    PRIMARY KEY (partition, account_id, product_id, order_id)
);

-- Logged, and not yet on the bus.
CREATE TABLE outbox (
    partition  smallint NOT NULL,
    account_id uuid     NOT NULL,
    position   bigint   NOT NULL,
    PRIMARY KEY (partition, account_id, position)
);

-- How far each source's facts about an account were taken.
CREATE TABLE fact_source (
    partition  smallint NOT NULL,
    account_id uuid     NOT NULL,
    source     text     NOT NULL,
    sequence   bigint   NOT NULL,
    PRIMARY KEY (partition, account_id, source)
) WITH (fillfactor = 50);

-- Facts that came before the one they follow. "body" is sealed: it may be personal.
CREATE TABLE held_message (
    partition  smallint    NOT NULL,
    account_id uuid        NOT NULL,
    source     text        NOT NULL,
    sequence   bigint      NOT NULL,
    body       bytea       NOT NULL,
    held_at    timestamptz NOT NULL,
    PRIMARY KEY (partition, account_id, source, sequence)
);

-- Messages that met a defect, and behind each the later ones of its stream, in order of "place".
-- "account_id" and "stream" are null for what could not even be read. "body" is sealed.
CREATE TABLE parked_message (
    partition  smallint    NOT NULL,
    message_id uuid        NOT NULL,
    account_id uuid,
    stream     text,
    place      bigint      NOT NULL,
    type       text,
    cause      text        NOT NULL,
    body       bytea       NOT NULL,
    parked_at  timestamptz NOT NULL,
    PRIMARY KEY (partition, message_id)
);
CREATE INDEX parked_message_stream ON parked_message (partition, account_id, stream, place);

-- Written before a message that was delivered again and again is tried alone.
CREATE TABLE delivery_marker (
    partition smallint    NOT NULL,
    digest    text        NOT NULL,
    marked_at timestamptz NOT NULL,
    PRIMARY KEY (partition, digest)
);

-- What pages and searches need of a person; erasable, and not part of any state.
CREATE TABLE person (
    partition     smallint NOT NULL,
    account_id    uuid     NOT NULL,
    subject       text     NOT NULL,
    name          text     NOT NULL,
    document_hmac text,
    PRIMARY KEY (partition, account_id, subject)
);
CREATE INDEX person_document ON person (partition, account_id, document_hmac);

-- The key of each subject's personal data, wrapped by the master key; erased: null, for ever.
CREATE TABLE subject_key (
    partition   smallint NOT NULL,
    account_id  uuid     NOT NULL,
    subject     text     NOT NULL,
    key_version smallint NOT NULL,
    wrapped     bytea,
    erased_at   timestamptz,
    PRIMARY KEY (partition, account_id, subject),
    CHECK (num_nulls(wrapped, erased_at) = 1)
);

-- migrate: rollback

DROP TABLE subject_key, person, delivery_marker, parked_message, held_message, fact_source, outbox,
    order_product, products, orders, accounts, account_head, event_log;
