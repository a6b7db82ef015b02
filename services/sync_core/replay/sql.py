"""Every statement of a replay. What it folds goes through the log's own, in a schema of its own.

``LIVE`` names the tables that serve, ``SHADOW`` those that are folded beside them.
"""

from collections.abc import Iterator
from typing import Final

LIVE: Final = "sync_core"
SHADOW: Final = "sync_core_replay"

TABLES: Final = ("accounts", "orders", "products", "order_product")
"""All that is folded from the log."""

# --- the shadow

FORGET: Final = f"DROP SCHEMA IF EXISTS {SHADOW} CASCADE"

OPEN: Final = f"""
CREATE SCHEMA {SHADOW};
CREATE TABLE {SHADOW}.replayed (
    partition  smallint NOT NULL,
    account_id uuid     NOT NULL,
    position   bigint   NOT NULL,
    PRIMARY KEY (partition, account_id)
) WITH (fillfactor = 50);
"""

COPY_TABLE: Final = f"""
CREATE TABLE {SHADOW}.{{table}} (LIKE {LIVE}.{{table}} INCLUDING ALL EXCLUDING INDEXES)
"""

# What LIKE leaves out: storage parameters, keys under their own names, grants.
STATEMENTS_TO_COMPLETE: Final = f"""
WITH live AS (
    SELECT oid, relname, reloptions, relacl
    FROM pg_class
    WHERE oid = to_regclass('{LIVE}.' || $1)
)
SELECT format('ALTER TABLE {SHADOW}.%I SET (%s)', relname, array_to_string(reloptions, ', '))
FROM live
WHERE reloptions IS NOT NULL
UNION ALL
SELECT format(
    'ALTER TABLE {SHADOW}.%I ADD CONSTRAINT %I %s', relname, conname, pg_get_constraintdef(has.oid)
)
FROM live
JOIN pg_constraint AS has ON has.conrelid = live.oid AND has.contype IN ('p', 'u')
UNION ALL
SELECT format(
    'GRANT %s ON {SHADOW}.%I TO %s',
    privilege_type, relname, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END
)
FROM live
CROSS JOIN LATERAL aclexplode(relacl)
"""  # noqa: S608 - made of the constants above

STATEMENTS_TO_INDEX: Final = f"""
SELECT replace(
    pg_get_indexdef(indexrelid), ' ON {LIVE}.' || $1 || ' ', ' ON {SHADOW}.' || $1 || ' '
)
FROM pg_index
WHERE indrelid = to_regclass('{LIVE}.' || $1)
    AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
"""  # noqa: S608

ANALYSE: Final = f"ANALYZE {SHADOW}.{{table}}"

# --- folding

NEWS: Final = f"""
SELECT head.account_id, coalesce(replayed.position, 0) AS after, head.position AS upto
FROM {LIVE}.account_head AS head
LEFT JOIN {SHADOW}.replayed USING (partition, account_id)
WHERE head.partition = $1
    AND ($2::uuid IS NULL OR head.account_id = $2)
    AND head.position > coalesce(replayed.position, 0)
ORDER BY head.account_id
"""  # noqa: S608

COUNT_NEWS: Final = f"""
SELECT coalesce(sum(head.position - coalesce(replayed.position, 0)), 0)::bigint
FROM {LIVE}.account_head AS head
LEFT JOIN {SHADOW}.replayed USING (partition, account_id)
WHERE $1::uuid IS NULL OR head.account_id = $1
"""  # noqa: S608

REPLAYED_UPTO: Final = f"""
INSERT INTO {SHADOW}.replayed (partition, account_id, position)
SELECT $1, * FROM unnest($2::uuid[], $3::bigint[])
ON CONFLICT (partition, account_id) DO UPDATE SET position = excluded.position
"""  # noqa: S608

# First autovacuum is kept away from the tables, which could hold up what follows. It gives way only
# after deadlock_timeout (1 s), and nobody else waits meanwhile.
KEEP_OTHERS_AWAY: Final = f"""
SET LOCAL synchronous_commit = on;
SET LOCAL lock_timeout = '2s';
LOCK TABLE {LIVE}.account_head, {", ".join(f"{LIVE}.{each}, {SHADOW}.{each}" for each in TABLES)}
    IN SHARE UPDATE EXCLUSIVE MODE;
"""

# Writers begin with locking a head, readers of the states go on.
# For this long appends, and readers that come later, may wait for those that read now.
HOLD_APPENDS: Final = f"""
SET LOCAL lock_timeout = '200ms';
LOCK TABLE {LIVE}.account_head IN EXCLUSIVE MODE;
"""

DROP_LIVE: Final = f"DROP TABLE {LIVE}.{{table}}"

PUT_LIVE: Final = f"ALTER TABLE {SHADOW}.{{table}} SET SCHEMA {LIVE}"

# --- comparing

_FOLDED: Final = (
    ("accounts", "account_id", "0", "'account'", "folded.version"),
    ("orders", "account_id, order_id", "order_id", "'order-' || order_id", "folded.version"),
    (
        "products",
        "account_id, product_id",
        "product_id",
        "'product-' || product_id",
        "folded.version",
    ),
    (
        "order_product",
        "account_id, order_id, product_id, waits_for",
        "order_id",
        "'order-' || order_id",
        "NULL",
    ),
)
"""Table → its key, the number of its stream and that stream's name, its last version."""


def _differences(chosen: str) -> Iterator[tuple[str, str]]:
    """Compare rows by their bytes (``*<>``), which says more than ``=`` and knows JSON, too."""
    for table, key, number, stream, version in _FOLDED:
        rows = chosen.format(number=number)
        statement = f"""
        SELECT
            account_id,
            {stream} AS stream,
            row_to_json(live) AS live,
            row_to_json(folded) AS folded,
            (
                SELECT rules_revision
                FROM {LIVE}.event_log AS log
                WHERE log.partition = folded.partition
                    AND log.account_id = folded.account_id
                    AND log.stream = {stream}
                    AND log.stream_version = {version}
            ) AS rules
        FROM (SELECT each.* FROM {LIVE}.{table} AS each {rows}) AS live
        FULL JOIN (SELECT each.* FROM {SHADOW}.{table} AS each {rows}) AS folded
            USING (partition, {key})
        WHERE (live *<> folded) IS NOT FALSE
        """  # noqa: S608
        yield table, statement


ALL_DIFFERENCES: Final = dict(
    _differences("WHERE partition = $1 AND ($2::uuid IS NULL OR account_id = $2)")
)
"""Table → what differs in a partition, or in one account of it."""

DIFFERENCES_OF: Final = dict(
    _differences(
        "JOIN unnest($1::smallint[], $2::uuid[], $3::bigint[])"
        " AS chosen (partition, account_id, number) USING (partition, account_id)"
        " WHERE chosen.number = {number}"
    )
)
"""Table → what differs in the rows of some streams of that table's kind."""
