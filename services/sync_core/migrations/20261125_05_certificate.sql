-- What each consumer of the log applied, and how far that was compared with the log
-- depends: 20261124_01_waiting-orders

-- migrate: apply

-- The exclusive or of the marks (the low 64 bits) of the ids of all events folded into a state.
ALTER TABLE accounts ADD COLUMN digest bigint NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN digest bigint NOT NULL DEFAULT 0;
ALTER TABLE products ADD COLUMN digest bigint NOT NULL DEFAULT 0;

CREATE TEMPORARY TABLE told ON COMMIT DROP AS
SELECT partition, account_id, stream,
    bit_xor(('x' || translate(right(event_id::text, 17), '-', ''))::bit(64)::bigint) AS digest
FROM event_log
GROUP BY partition, account_id, stream;

UPDATE accounts SET digest = told.digest
FROM told
WHERE told.partition = accounts.partition AND told.account_id = accounts.account_id
    AND told.stream = 'account';
UPDATE orders SET digest = told.digest
FROM told
WHERE told.partition = orders.partition AND told.account_id = orders.account_id
    AND told.stream = 'order-' || orders.order_id;
UPDATE products SET digest = told.digest
FROM told
WHERE told.partition = products.partition AND told.account_id = products.account_id
    AND told.stream = 'product-' || products.product_id;

-- The relay, which publishes; and each reader of the feed, by the name of its token.
CREATE TABLE log_consumer (
    partition  smallint NOT NULL,
    account_id uuid     NOT NULL,
    consumer   text     NOT NULL,
    count      bigint   NOT NULL,
    digest     bigint   NOT NULL,
    PRIMARY KEY (partition, account_id, consumer)
) WITH (fillfactor = 50);

INSERT INTO log_consumer (partition, account_id, consumer, count, digest)
SELECT partition, account_id, 'relay', count(*),
    bit_xor(('x' || translate(right(event_id::text, 17), '-', ''))::bit(64)::bigint)
FROM event_log
LEFT JOIN outbox USING (partition, account_id, position)
WHERE outbox.position IS NULL
    AND (kind = 'command' OR (kind = 'decision' AND type LIKE 'sync.%'))
GROUP BY partition, account_id;

-- Up to which position a consumer was found to have applied everything once. "failure" names what
-- was found amiss after it.
CREATE TABLE verified (
    partition  smallint    NOT NULL,
    account_id uuid        NOT NULL,
    consumer   text        NOT NULL,
    position   bigint      NOT NULL,
    count      bigint      NOT NULL,
    digest     bigint      NOT NULL,
    failure    text,
    checked_at timestamptz NOT NULL,
    PRIMARY KEY (partition, account_id, consumer)
) WITH (fillfactor = 50);

-- migrate: rollback

DROP TABLE verified, log_consumer;
ALTER TABLE products DROP COLUMN digest;
ALTER TABLE orders DROP COLUMN digest;
ALTER TABLE accounts DROP COLUMN digest;
