"""How far each account's changes were read, and when they are read next."""

from datetime import datetime, timedelta
from uuid import UUID

from services.hub_gateway.store.rows import account_key
from shared.gateway.store import Connection

_BEGIN_RECONCILING = """
    INSERT INTO change_cursor (partition, account_id, cursor, due_at)
    VALUES ($1, $2, $3, $4)
    ON CONFLICT (partition, account_id) DO UPDATE
    SET cursor = excluded.cursor,
        due_at = excluded.due_at
"""

_DUE_ACCOUNTS = """
    WITH due AS (
        SELECT partition, account_id
        FROM change_cursor
        WHERE partition = $1 AND due_at <= $2
        ORDER BY due_at
        LIMIT $4
        FOR UPDATE SKIP LOCKED
    )
    UPDATE change_cursor AS c
    SET due_at = $3
    FROM due
    WHERE c.partition = due.partition AND c.account_id = due.account_id
    RETURNING c.account_id
"""

_CURSOR = """
    SELECT cursor FROM change_cursor WHERE partition = $1 AND account_id = $2
"""

_MOVE_CURSOR = """
    UPDATE change_cursor
    SET cursor = $3, compared_at = clock_timestamp()
    WHERE partition = $1 AND account_id = $2
"""


async def begin_reconciling(
    conn: Connection, account_id: UUID, cursor: str, *, due_at: datetime
) -> None:
    """Read the account's changes regularly, beginning with the cursor."""
    await conn.execute(_BEGIN_RECONCILING, *account_key(account_id), cursor, due_at)


async def take_due_accounts(
    conn: Connection, partition: int, *, now: datetime, every: timedelta, limit: int
) -> list[UUID]:
    """Return accounts whose changes are to be read, each to one caller, and set the next time."""
    rows = await conn.fetch(_DUE_ACCOUNTS, partition, now, now + every, limit)
    return [row["account_id"] for row in rows]


async def change_cursor(conn: Connection, account_id: UUID) -> str | None:
    """Return how far the account's changes were read."""
    found: str | None = await conn.fetchval(_CURSOR, *account_key(account_id))
    return found


async def move_cursor(conn: Connection, account_id: UUID, cursor: str) -> None:
    """Remember how far the account's changes were read."""
    await conn.execute(_MOVE_CURSOR, *account_key(account_id), cursor)
