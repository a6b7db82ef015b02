-- what an account's plan allows, as the other side told it
-- depends: gateway_0001_kit

-- migrate: apply

-- The limits that were learned, when other apps were last seen to use them up with us, and the pace
-- that follows (per second and per day): what an operator is shown, and an estimate is made from.
ALTER TABLE pace
    ADD COLUMN second_limit integer,
    ADD COLUMN day_limit integer,
    ADD COLUMN shared_at timestamptz,
    ADD COLUMN per_second double precision,
    ADD COLUMN per_day integer;

-- migrate: rollback
