"""How far each account's changes were read, and when they are read next."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from services.hub_gateway.store.rows import account_key
from shared.gateway.store import Connection

_BEGIN_RECONCILING = """
    INSERT INTO change_cursor (partition, account_id, cursor, due_at)
    VALUES ($1, $2, $3, $4)
    ON CONFLICT (partition, account_id) DO UPDATE
    SET cursor = excluded.cursor,
        walking = NULL,
        walk_cursor = NULL,
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

_PLACE = """
    SELECT cursor, walking, walk_cursor
    FROM change_cursor
    WHERE partition = $1 AND account_id = $2
"""

_MOVE = """
    UPDATE change_cursor
    SET cursor = $3, walking = $4, walk_cursor = $5
    WHERE partition = $1 AND account_id = $2
"""

_COMPARED = """
    UPDATE change_cursor
    SET compared_at = clock_timestamp()
    WHERE partition = $1 AND account_id = $2
"""


@dataclass(frozen=True, slots=True)
class Place:
    """How far a comparison came: in the list of changes, or in a walk through everything.

    After the walk it goes on in the list of changes at ``cursor``. None as a cursor: at the
    beginning.
    """

    cursor: str | None
    walking: Literal["order", "product"] | None = None
    walk_cursor: str | None = None


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


async def place(conn: Connection, account_id: UUID) -> Place:
    """Return how far the account's comparison came."""
    row = await conn.fetchrow(_PLACE, *account_key(account_id))
    return Place(None) if row is None else Place(**row)


async def move(conn: Connection, account_id: UUID, to: Place) -> None:
    """Remember how far the account's comparison came."""
    key = account_key(account_id)
    await conn.execute(_MOVE, *key, to.cursor, to.walking, to.walk_cursor)


async def compared(conn: Connection, account_id: UUID) -> None:
    """Remember that all that had changed was compared."""
    await conn.execute(_COMPARED, *account_key(account_id))
