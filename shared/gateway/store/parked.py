"""What is parked: work, and messages from the bus that could not be used."""

from uuid import UUID

import asyncpg

from shared.gateway.store import Connection

_WORK = """
SELECT
    work.partition, work.account_id, work.number, work.stream, work.kind, work.command_id,
    work.shipment, work.enqueued_at, work.parked_at, work.attempt, work.last_error, account.tag
FROM work
JOIN account USING (partition, account_id)
WHERE work.state = 'parked'
ORDER BY work.number
"""

_MESSAGES = """
SELECT partition, digest, body, error, parked_at
FROM parked_message
ORDER BY parked_at, digest
"""

_DROP_MESSAGE = """
DELETE FROM parked_message
WHERE partition = $1 AND digest = $2
RETURNING true
"""

_UNDER_WAY = """
SELECT account_id, bool_and(state = 'parked') AS is_parked
FROM work
WHERE kind = $1 AND account_id = ANY ($2::uuid[])
GROUP BY account_id
"""


async def work(conn: Connection) -> list[asyncpg.Record]:
    """Return all parked work, the oldest first."""
    return await conn.fetch(_WORK)


async def messages(conn: Connection) -> list[asyncpg.Record]:
    """Return all parked messages, the oldest first."""
    return await conn.fetch(_MESSAGES)


async def drop_message(conn: Connection, partition: int, digest: str) -> bool:
    """Forget a message. False: it is not parked (any more)."""
    return await conn.fetchval(_DROP_MESSAGE, partition, digest) is not None


async def under_way(conn: Connection, kind: str, accounts: list[UUID]) -> dict[UUID, bool]:
    """Return which accounts have work of a kind, and whether all of it is parked."""
    rows = await conn.fetch(_UNDER_WAY, kind, accounts)
    return {row["account_id"]: row["is_parked"] for row in rows}
