-- what we wrote into the volumes of orders
-- depends: bling_gateway_0001_orders

-- migrate: apply

-- `services`: names of services that stand in the order's volumes because we wrote them there, and
-- that tell nothing of what its seller wished. `codes`: tracking codes that are ours. `volumes`: how
-- many the order had before we first wrote: those that we add are no parcels of its seller's.
CREATE TABLE tracking_written (
    partition smallint NOT NULL,
    account_id uuid NOT NULL,
    order_id bigint NOT NULL,
    services text[] NOT NULL,
    codes text[] NOT NULL,
    volumes integer NOT NULL,
    PRIMARY KEY (partition, account_id, order_id)
);

-- migrate: rollback
