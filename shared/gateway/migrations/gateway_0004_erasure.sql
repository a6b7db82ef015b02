-- who was forgotten, and how webhooks forget them
-- depends: gateway_0002_operators

-- migrate: apply

-- Subjects (contact-77) and orders (order-1042) of which nothing personal is kept or told any more.
CREATE TABLE erased_subject (
    partition smallint NOT NULL,
    account_id uuid NOT NULL,
    subject text NOT NULL,
    erased_at timestamptz NOT NULL,
    PRIMARY KEY (partition, account_id, subject)
);

-- Those that belong to no account are few, and looked for by themselves.
CREATE INDEX inbox_unclaimed ON inbox (received_at) WHERE account_id IS NULL;

-- Webhooks are evidence, and the service's role may not change them. It may call this, which empties
-- those of an account, and those of none, that came in a span of time and name one of these ids.
-- That each of them came, and when, stays. Returns how many it emptied.
CREATE FUNCTION erase_webhooks(
    of_partition smallint, of_account uuid, ids bigint[], since timestamptz, until timestamptz
) RETURNS bigint
LANGUAGE sql
SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
    WITH named AS (
        SELECT '\m(' || array_to_string(ids, '|') || ')\M' AS pattern
    ), of_the_account AS (
        UPDATE inbox
        SET body = '', headers = '{}'
        FROM named
        WHERE partition = of_partition
          AND account_id = of_account
          AND received_at >= since
          AND received_at < until
          AND body <> ''
          AND encode(body, 'escape') ~ pattern
        RETURNING 1
    ), of_nobody AS (
        UPDATE inbox
        SET body = '', headers = '{}'
        FROM named
        WHERE account_id IS NULL
          AND received_at >= since
          AND received_at < until
          AND body <> ''
          AND encode(body, 'escape') ~ pattern
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM of_the_account) + (SELECT count(*) FROM of_nobody)
$$;

-- migrate: rollback
