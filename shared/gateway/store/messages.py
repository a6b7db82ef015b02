"""Messages from the bus that cannot be used, and marks of those that are tried alone."""

from datetime import datetime

from shared.gateway.store import Connection

_PARK = """
INSERT INTO parked_message (partition, digest, body, error, parked_at)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (partition, digest) DO NOTHING
"""

_MARK = """
INSERT INTO suspect_message (partition, digest, marked_at)
VALUES ($1, $2, $3)
ON CONFLICT (partition, digest) DO NOTHING
RETURNING true
"""

_UNMARK = "DELETE FROM suspect_message WHERE partition = $1 AND digest = $2"


async def park(
    conn: Connection, partition: int, digest: str, body: bytes, error: str, now: datetime
) -> None:
    """Keep a message for a person to look at."""
    await conn.execute(_PARK, partition, digest, body, error, now)


async def mark(conn: Connection, partition: int, digest: str, now: datetime) -> bool:
    """Mark a message. False: it was marked already."""
    return await conn.fetchval(_MARK, partition, digest, now) is not None


async def unmark(conn: Connection, partition: int, digest: str) -> None:
    """Take the mark away."""
    await conn.execute(_UNMARK, partition, digest)
