"""What ``audit check`` asks that nobody else does."""

from typing import Final

# Positions without gaps, and as many events as the streams have together.
COUNTED: Final = """
SELECT count(*) AS events, coalesce(min(position), 1) AS first, coalesce(max(position), 0) AS last
FROM logged_event
WHERE partition = $1 AND account_id = $2
"""

STREAM_WITHOUT_ITS_STATE: Final = """
WITH logged AS (
    SELECT stream, max(stream_version) AS version
    FROM logged_event
    WHERE partition = $1 AND account_id = $2
    GROUP BY stream
), stored AS (
    SELECT 'account' AS stream, version
    FROM accounts
    WHERE partition = $1 AND account_id = $2
    UNION ALL
    SELECT 'order-' || order_id, version
    FROM orders
    WHERE partition = $1 AND account_id = $2
    UNION ALL
    SELECT 'product-' || product_id, version
    FROM products
    WHERE partition = $1 AND account_id = $2
)
SELECT stream, logged.version AS logged, stored.version AS stored
FROM logged
FULL JOIN stored USING (stream)
WHERE logged.version IS DISTINCT FROM stored.version
ORDER BY stream
LIMIT 1
"""

# Partitions and heirs of these tables too: a right on one of them is a right on its rows.
TOO_MUCH_ALLOWED: Final = """
WITH RECURSIVE kept AS (
    SELECT oid
    FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace
        AND relname = ANY (ARRAY[
            'event_log', 'checkpoint', 'checkpoint_head', 'archive_segment', 'archived_event'
        ])
    UNION
    SELECT inhrelid
    FROM kept
    JOIN pg_inherits ON inhparent = oid
)
SELECT oid::regclass::text AS of, right_to
FROM kept
CROSS JOIN unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER']) AS right_to
WHERE has_table_privilege(current_user, oid, right_to)
    OR right_to = 'UPDATE' AND has_any_column_privilege(current_user, oid, right_to)
ORDER BY 1, 2
"""
