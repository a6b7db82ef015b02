"""Contacts, products and invoices as they were last read, sealed; and what is due for comparing."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from shared.contracts import partition_of
from shared.gateway.store import Connection

Kind = Literal["contact", "product", "invoice"]

_READING = """
SELECT sealed, read_at
FROM reading
WHERE partition = $1 AND account_id = $2 AND kind = $3 AND id = $4
  AND read_at > clock_timestamp() - $5::interval
"""

_SAVE_READING = """
INSERT INTO reading (partition, account_id, kind, id, read_at, sealed)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (partition, account_id, kind, id) DO UPDATE
SET read_at = excluded.read_at, sealed = excluded.sealed
"""

_FORGET_READING = """
DELETE FROM reading
WHERE partition = $1 AND account_id = $2 AND kind = $3 AND id = $4
"""

_FORGET_OLD_READINGS = "DELETE FROM reading WHERE read_at < clock_timestamp() - $1::interval"

_BEGIN_RECONCILING = """
INSERT INTO reconcile (partition, account_id, changed_until, due_at)
VALUES ($1, $2, clock_timestamp(), clock_timestamp() + $3)
ON CONFLICT DO NOTHING
"""

_CHANGED_UNTIL = """
SELECT changed_until
FROM reconcile
WHERE partition = $1 AND account_id = $2
"""

_RECORD_CHANGED_UNTIL = """
UPDATE reconcile
SET changed_until = $3
WHERE partition = $1 AND account_id = $2
"""

_TAKE_DUE = """
UPDATE reconcile AS r
SET due_at = clock_timestamp() + $1
FROM (
    SELECT r.partition, r.account_id
    FROM reconcile AS r
    JOIN account AS a ON a.partition = r.partition AND a.account_id = r.account_id
    WHERE r.due_at <= clock_timestamp() AND a.state = 'connected'
    ORDER BY r.due_at
    LIMIT $2
    FOR UPDATE OF r SKIP LOCKED
) AS due
WHERE r.partition = due.partition AND r.account_id = due.account_id
RETURNING r.account_id
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """What was read of a thing, sealed."""

    sealed: bytes
    read_at: datetime


async def reading(
    conn: Connection, account_id: UUID, kind: Kind, id_: int, not_older_than: timedelta
) -> Kept | None:
    """Return what was read of a thing, unless that was too long ago."""
    key = partition_of(account_id), account_id, kind, id_
    row = await conn.fetchrow(_READING, *key, not_older_than)
    return Kept(**row) if row else None


async def save_reading(
    conn: Connection, account_id: UUID, kind: Kind, id_: int, kept: Kept
) -> None:
    """Keep what was read of a thing."""
    key = partition_of(account_id), account_id, kind, id_
    await conn.execute(_SAVE_READING, *key, kept.read_at, kept.sealed)


async def forget_reading(conn: Connection, account_id: UUID, kind: Kind, id_: int) -> None:
    """Forget what was read of a thing: it changed."""
    await conn.execute(_FORGET_READING, partition_of(account_id), account_id, kind, id_)


async def forget_old_readings(conn: Connection, age: timedelta) -> None:
    """Forget what nobody will use again: it may be about a person."""
    await conn.execute(_FORGET_OLD_READINGS, age)


async def begin_reconciling(conn: Connection, account_id: UUID, first_in: timedelta) -> None:
    """Compare the account regularly from now on. Changes before now are not looked for."""
    await conn.execute(_BEGIN_RECONCILING, partition_of(account_id), account_id, first_in)


async def changed_until(conn: Connection, account_id: UUID) -> datetime | None:
    """Return up to when changes were looked for."""
    moment: datetime | None = await conn.fetchval(
        _CHANGED_UNTIL, partition_of(account_id), account_id
    )
    return moment


async def record_changed_until(conn: Connection, account_id: UUID, moment: datetime) -> None:
    """Remember up to when changes were looked for."""
    await conn.execute(_RECORD_CHANGED_UNTIL, partition_of(account_id), account_id, moment)


async def take_due(conn: Connection, interval: timedelta, limit: int) -> list[UUID]:
    """Take connected accounts that are due; each is due again after the interval."""
    return [row["account_id"] for row in await conn.fetch(_TAKE_DUE, interval, limit)]
