"""Who was forgotten, and what of them the kit's own tables hold."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from shared.contracts import partition_of
from shared.gateway.store import Connection

_REMEMBER = """
INSERT INTO erased_subject (partition, account_id, subject, erased_at)
SELECT $1, $2, subject, $4
FROM unnest($3::text[]) AS subject
ON CONFLICT DO NOTHING
"""

_IS_ERASED = """
SELECT EXISTS (
    SELECT FROM erased_subject
    WHERE partition = $1 AND account_id = $2 AND subject = $3
)
"""

_WEBHOOKS = "SELECT erase_webhooks($1, $2, $3, $4, $5)"

# They cannot be read, so they are searched as text.
_MESSAGES = r"""
WITH erased AS (
    DELETE FROM parked_message
    WHERE partition = $1
      AND encode(body, 'escape') LIKE '%' || $2::uuid::text || '%'
      AND encode(body, 'escape') ~ ('\m(' || array_to_string($3::bigint[], '|') || ')\M')
    RETURNING 1
)
SELECT count(*) FROM erased
"""

_UNSENT = """
SELECT sequence, message
FROM outbox
WHERE partition = $1 AND account_id = $2
ORDER BY sequence
"""

_REPLACE_UNSENT = """
UPDATE outbox
SET message = $4
WHERE partition = $1 AND account_id = $2 AND sequence = $3
"""


async def remember(
    conn: Connection, account_id: UUID, subjects: Collection[str], now: datetime
) -> None:
    """Note that these subjects were forgotten, for ever."""
    await conn.execute(_REMEMBER, partition_of(account_id), account_id, list(subjects), now)


async def is_erased(conn: Connection, account_id: UUID, subject: str) -> bool:
    """Tell whether the subject was forgotten."""
    return bool(await conn.fetchval(_IS_ERASED, partition_of(account_id), account_id, subject))


async def empty_webhooks(
    conn: Connection, account_id: UUID, ids: Sequence[int], since: datetime, until: datetime
) -> int:
    """Empty the webhooks of a span of time that name one of these ids; return how many."""
    key = partition_of(account_id), account_id
    emptied: int = await conn.fetchval(_WEBHOOKS, *key, ids, since, until)
    return emptied


async def drop_messages(conn: Connection, account_id: UUID, ids: Sequence[int]) -> int:
    """Delete unreadable messages about the account that name one of these ids; return how many."""
    dropped: int = await conn.fetchval(_MESSAGES, partition_of(account_id), account_id, ids)
    return dropped


async def unsent(conn: Connection, account_id: UUID) -> list[asyncpg.Record]:
    """Return the account's facts that are not on the bus."""
    return await conn.fetch(_UNSENT, partition_of(account_id), account_id)


async def replace_unsent(conn: Connection, account_id: UUID, sequence: int, message: bytes) -> None:
    """Put another message in a fact's place."""
    key = partition_of(account_id), account_id
    await conn.execute(_REPLACE_UNSENT, *key, sequence, message)
