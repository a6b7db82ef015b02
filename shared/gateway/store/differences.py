"""What comparing with the other side found to differ, and when it last did."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from shared.contracts import partition_of
from shared.gateway.store import Connection

_NOW = "SELECT clock_timestamp()"

# Sorted, so that two comparisons of an account cannot wait for each other in a circle.
_RECORD = """
INSERT INTO difference (partition, account_id, stream, found_at)
SELECT $1, $2, stream, clock_timestamp()
FROM unnest($3::text[]) AS stream
ORDER BY stream
ON CONFLICT (partition, account_id, stream) DO UPDATE SET found_at = excluded.found_at
"""

_SINCE = """
SELECT stream
FROM difference
WHERE partition = $1 AND account_id = $2 AND found_at >= $3
ORDER BY stream
"""


async def now(conn: Connection) -> datetime:
    """Return the time by which differences are dated."""
    moment: datetime = await conn.fetchval(_NOW)
    return moment


async def record(conn: Connection, account_id: UUID, streams: Collection[str]) -> None:
    """Remember that these streams were found to differ."""
    if streams:
        await conn.execute(_RECORD, partition_of(account_id), account_id, sorted(set(streams)))


async def since(conn: Connection, account_id: UUID, moment: datetime) -> list[str]:
    """Return the streams that were found to differ since then."""
    rows = await conn.fetch(_SINCE, partition_of(account_id), account_id, moment)
    return [row["stream"] for row in rows]
