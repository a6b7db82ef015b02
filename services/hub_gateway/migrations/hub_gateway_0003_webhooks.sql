-- webhook endpoints that are looked after, secrets that are rotated, long comparisons in turns
-- depends: hub_gateway_0002_disconnecting

-- migrate: apply

-- `endpoint_url`: where 360Hub delivers to; unknown of endpoints that are older than this column.
-- `failing_since`: the last webhook before 360Hub was found to deliver nothing more; null while it
-- delivers. `replaced_at`: when an endpoint was last registered in the place of another.
ALTER TABLE connection
    ADD COLUMN endpoint_url text,
    ADD COLUMN failing_since timestamptz,
    ADD COLUMN replaced_at timestamptz;

-- An endpoint has two secrets while one takes the place of the other.
ALTER TABLE webhook_secret
    DROP CONSTRAINT webhook_secret_pkey,
    ADD COLUMN number bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    ADD PRIMARY KEY (partition, account_id, number);

-- While `walking` is set, all orders, or all products, are listed; `walk_cursor` is how far that
-- came. The list of changes goes on at `cursor` afterwards.
ALTER TABLE change_cursor
    ADD COLUMN walking text CHECK (walking IN ('order', 'product')),
    ADD COLUMN walk_cursor text;

-- migrate: rollback
