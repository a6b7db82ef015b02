"""Facts on their way to the bus: one counter per account, and what is not published yet."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from shared.gateway.store import Connection

_NEXT_SEQUENCE = """
INSERT INTO fact_counter (partition, account_id, last)
VALUES ($1, $2, 1)
ON CONFLICT (partition, account_id) DO UPDATE SET last = fact_counter.last + 1
RETURNING last
"""

_ADD = "INSERT INTO outbox (partition, account_id, sequence, message) VALUES ($1, $2, $3, $4)"

# Steps from account to account and takes the first of each, then the second of each, …: one
# account's backlog delays nobody else's facts.
WAITING = """
WITH RECURSIVE holder AS (
    (SELECT account_id
     FROM outbox
     WHERE partition = $1
     ORDER BY account_id
     LIMIT 1)
    UNION ALL
    SELECT next.account_id
    FROM holder
    CROSS JOIN LATERAL (
        SELECT account_id
        FROM outbox
        WHERE partition = $1
          AND account_id > holder.account_id
        ORDER BY account_id
        LIMIT 1
    ) AS next
)
SELECT entry.account_id, entry.sequence, entry.message
FROM holder
CROSS JOIN LATERAL (
    SELECT account_id, sequence, message, row_number() OVER (ORDER BY sequence) AS place
    FROM outbox
    WHERE partition = $1
      AND account_id = holder.account_id
    ORDER BY sequence
    LIMIT $3
) AS entry
ORDER BY entry.place
LIMIT $2
"""

_PUBLISHED = """
DELETE FROM outbox
USING unnest($2::uuid[], $3::bigint[]) AS done (account_id, sequence)
WHERE outbox.partition = $1
  AND outbox.account_id = done.account_id
  AND outbox.sequence = done.sequence
"""


async def next_sequence(conn: Connection, partition: int, account_id: UUID) -> int:
    """Return the account's next number, and lock its counter until the transaction ends."""
    sequence = await conn.fetchval(_NEXT_SEQUENCE, partition, account_id)
    assert isinstance(sequence, int)  # noqa: S101 - RETURNING of an upsert always has a row
    return sequence


async def add(
    conn: Connection, partition: int, account_id: UUID, sequence: int, message: bytes
) -> None:
    """Keep a fact until it is on the bus."""
    await conn.execute(_ADD, partition, account_id, sequence, message)


async def waiting(
    conn: Connection, partition: int, limit: int, *, per_account: int
) -> list[asyncpg.Record]:
    """Return up to ``limit`` facts that are not on the bus, in order per account."""
    return await conn.fetch(WAITING, partition, limit, per_account)


async def published(conn: Connection, partition: int, entries: Sequence[tuple[UUID, int]]) -> None:
    """Forget facts, by account and sequence, that are on the bus."""
    accounts = [account_id for account_id, _ in entries]
    await conn.execute(_PUBLISHED, partition, accounts, [sequence for _, sequence in entries])
