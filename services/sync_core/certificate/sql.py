"""What the certificate asks of the log, and where it keeps what it found."""

from typing import Final

# What ``mark_of`` gives, reckoned apart from it: a mistake there must show here.
_MARK: Final = "('x' || translate(right(event_id::text, 17), '-', ''))::bit(64)::bigint"

UNVERIFIED: Final = """
SELECT head.account_id
FROM account_head AS head
WHERE head.partition = $1 AND (
    EXISTS (
        SELECT FROM unnest(ARRAY['state', 'relay']) AS every (consumer)
        LEFT JOIN verified AS known
            ON known.partition = head.partition
            AND known.account_id = head.account_id
            AND known.consumer = every.consumer
        WHERE known.position IS DISTINCT FROM head.position OR known.failure IS NOT NULL
    )
    OR EXISTS (
        SELECT FROM (
            SELECT position
            FROM checkpoint_head AS stated
            WHERE stated.partition = head.partition AND stated.account_id = head.account_id
            ORDER BY checkpoint DESC
            LIMIT 1
        ) AS last
        LEFT JOIN verified AS known
            ON known.partition = head.partition
            AND known.account_id = head.account_id
            AND known.consumer = 'checkpoint'
        WHERE known.position IS DISTINCT FROM last.position OR known.failure IS NOT NULL
    )
    OR EXISTS (
        SELECT FROM log_consumer AS reader
        LEFT JOIN verified AS known USING (partition, account_id, consumer)
        WHERE reader.partition = head.partition
            AND reader.account_id = head.account_id
            AND reader.consumer LIKE 'feed %'
            AND (known.position IS DISTINCT FROM reader.count OR known.failure IS NOT NULL)
    )
)
ORDER BY head.account_id
"""

# Before the snapshot: a replay swaps these tables, and they are to be the snapshot's own.
KEEP_STATES: Final = "LOCK TABLE accounts, orders, products IN ACCESS SHARE MODE"

VERIFIED: Final = """
SELECT consumer, position, count, digest, failure, checked_at
FROM verified
WHERE partition = $1 AND account_id = $2
ORDER BY consumer
"""

LAST_STATED: Final = """
SELECT position, hash
FROM checkpoint_head
WHERE partition = $1 AND account_id = $2
ORDER BY checkpoint DESC
LIMIT 1
"""

CONSUMERS: Final = """
SELECT consumer, count, digest
FROM log_consumer
WHERE partition = $1 AND account_id = $2
"""

APPLIED: Final = """
INSERT INTO log_consumer (partition, account_id, consumer, count, digest)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (partition, account_id, consumer) DO UPDATE SET
    count = excluded.count,
    digest = excluded.digest
"""

LOGGED_BETWEEN: Final = f"""
SELECT count(*) AS count, coalesce(bit_xor({_MARK}), 0) AS digest
FROM logged_event
WHERE partition = $1 AND account_id = $2 AND position > $3 AND position <= $4
"""  # noqa: S608 - made of the constants above

# "pending" is what still waits in the outbox: neither published nor to be expected so.
SENT_BETWEEN: Final = f"""
SELECT
    count(*) AS count,
    coalesce(bit_xor({_MARK}), 0) AS digest,
    count(waiting.position) AS pending,
    coalesce(bit_xor({_MARK}) FILTER (WHERE waiting.position IS NOT NULL), 0) AS pending_digest,
    min(waiting.position) AS first_pending
FROM logged_event
LEFT JOIN outbox AS waiting USING (partition, account_id, position)
WHERE partition = $1 AND account_id = $2 AND position > $3 AND position <= $4 AND sent
"""  # noqa: S608

# A stream that the positions tell of and whose state does not agree with the whole log.
STATES_BETWEEN: Final = f"""
WITH touched AS (
    SELECT DISTINCT stream
    FROM logged_event
    WHERE partition = $1 AND account_id = $2 AND position > $3 AND position <= $4
), logged AS (
    SELECT stream, count(*) AS count, bit_xor({_MARK}) AS digest
    FROM logged_event
    JOIN touched USING (stream)
    WHERE partition = $1 AND account_id = $2
    GROUP BY stream
), applied AS (
    SELECT 'account' AS stream, version, digest
    FROM accounts
    WHERE partition = $1 AND account_id = $2
    UNION ALL
    SELECT 'order-' || order_id, version, digest
    FROM orders
    WHERE partition = $1 AND account_id = $2 AND order_id IN (
        SELECT substr(stream, 7)::bigint FROM touched WHERE stream LIKE 'order-%'
    )
    UNION ALL
    SELECT 'product-' || product_id, version, digest
    FROM products
    WHERE partition = $1 AND account_id = $2 AND product_id IN (
        SELECT substr(stream, 9)::bigint FROM touched WHERE stream LIKE 'product-%'
    )
)
SELECT stream, logged.count AS logged, coalesce(applied.version, 0) AS applied
FROM logged
LEFT JOIN applied USING (stream)
WHERE (logged.count, logged.digest) IS DISTINCT FROM (applied.version, applied.digest)
ORDER BY stream
LIMIT 1
"""  # noqa: S608

SAVE_VERIFIED: Final = """
INSERT INTO verified (
    partition, account_id, consumer, position, count, digest, failure, checked_at
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (partition, account_id, consumer) DO UPDATE SET
    position = excluded.position,
    count = excluded.count,
    digest = excluded.digest,
    failure = excluded.failure,
    checked_at = excluded.checked_at
"""

# How the whole log stands, by consumer, also where nothing was checked yet: for the metrics.
TOTALS: Final = """
SELECT
    split_part(consumer, ' ', 1) AS consumer,
    count(known.failure) AS failing,
    sum(coalesce(known.position, 0)) AS verified,
    sum(head.position - coalesce(known.position, 0)) AS unverified
FROM account_head AS head
CROSS JOIN LATERAL (
    VALUES ('state'), ('relay')
    UNION
    SELECT 'checkpoint'
    WHERE EXISTS (
        SELECT FROM checkpoint_head AS stated
        WHERE stated.partition = head.partition AND stated.account_id = head.account_id
    )
    UNION
    SELECT reader.consumer
    FROM log_consumer AS reader
    WHERE reader.partition = head.partition AND reader.account_id = head.account_id
) AS every (consumer)
LEFT JOIN verified AS known USING (partition, account_id, consumer)
GROUP BY 1
ORDER BY 1
"""
