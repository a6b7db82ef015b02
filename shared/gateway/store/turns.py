"""Turns: the lock under which a stream's work changes, and when the stream may run next."""

from collections.abc import Collection

from shared.gateway.store import Connection
from shared.gateway.values import StreamKey

# Sorted, so that transactions that lock several streams cannot wait for each other in a circle.
LOCK = """
INSERT INTO turn (partition, account_id, stream, running, priority, run_at)
SELECT partition, account_id, stream, NULL, 4, 'infinity'
FROM unnest($1::smallint[], $2::uuid[], $3::text[]) AS key (partition, account_id, stream)
ORDER BY partition, account_id, stream
ON CONFLICT (partition, account_id, stream) DO UPDATE SET running = turn.running
"""

# A stream may run when the head of either lane may. It is as urgent as the most urgent of the next
# hundred pieces of its lanes, because they wait for the heads.
SETTLE = """
UPDATE turn
SET running = NULL, priority = next.priority, run_at = next.run_at
FROM unnest($1::smallint[], $2::uuid[], $3::text[]) AS key (partition, account_id, stream)
CROSS JOIN LATERAL (
    SELECT min(head.priority) AS priority, min(head.run_at) AS run_at
    FROM (VALUES ('inbound'), ('outbound')) AS lanes (lane)
    CROSS JOIN LATERAL (
        SELECT min(priority) AS priority, (array_agg(run_at ORDER BY number))[1] AS run_at
        FROM (
            SELECT number, priority, run_at
            FROM work
            WHERE work.partition = key.partition
              AND work.account_id = key.account_id
              AND work.stream = key.stream
              AND work.lane = lanes.lane
              AND work.state = 'waiting'
            ORDER BY number
            LIMIT 100
        ) AS ahead
    ) AS head
    HAVING count(head.run_at) > 0
) AS next
WHERE turn.partition = key.partition
  AND turn.account_id = key.account_id
  AND turn.stream = key.stream
  AND (turn.running IS NULL OR turn.running = $4)
"""

_REMOVE = """
DELETE FROM turn
WHERE partition = $1 AND account_id = $2 AND stream = $3
  AND (running IS NULL OR running = $4)
"""


async def lock(conn: Connection, keys: Collection[StreamKey]) -> None:
    """Lock the streams until the transaction ends; those that hold nothing get a row."""
    await conn.execute(LOCK, *_columns(keys))


async def settle(conn: Connection, keys: Collection[StreamKey]) -> None:
    """Find out when locked streams, in which something waits, may run. Running ones run on."""
    await conn.execute(SETTLE, *_columns(keys), None)


async def release(conn: Connection, key: StreamKey, done: int | None) -> None:
    """Let a locked stream go on after its running piece (None: none runs)."""
    if await conn.execute(SETTLE, *_columns([key]), done) == "UPDATE 0":
        await conn.execute(_REMOVE, key.partition, key.account_id, key.stream, done)


def _columns(keys: Collection[StreamKey]) -> tuple[list[object], ...]:
    return (
        [key.partition for key in keys],
        [key.account_id for key in keys],
        [key.stream for key in keys],
    )
