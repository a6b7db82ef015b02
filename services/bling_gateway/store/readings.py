"""Contacts, products and invoices as they were last read, sealed."""

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
  AND sealed <> ''
"""

_SAVE_READING = """
INSERT INTO reading (partition, account_id, kind, id, read_at, sealed)
SELECT $1, $2, $3::text, $4::bigint, $5::timestamptz, $6::bytea
WHERE NOT EXISTS (
    SELECT FROM erased_subject
    WHERE partition = $1 AND account_id = $2 AND subject = $3::text || '-' || $4::bigint
)
ON CONFLICT (partition, account_id, kind, id) DO UPDATE
SET read_at = excluded.read_at, sealed = excluded.sealed
WHERE reading.read_at <= excluded.read_at
"""

# An empty row stays, so that a reading that is under way, and may be out of date, is not kept.
_FORGET_READING = """
INSERT INTO reading (partition, account_id, kind, id, read_at, sealed)
VALUES ($1, $2, $3, $4, clock_timestamp(), '')
ON CONFLICT (partition, account_id, kind, id) DO UPDATE
SET read_at = excluded.read_at, sealed = excluded.sealed
"""

_FORGET_OLD_READINGS = """
DELETE FROM reading
WHERE partition = $1 AND read_at < clock_timestamp() - $2::interval
"""


# Waits for readings that are being kept at this moment by who did not see yet that the contact was
# erased: they are deleted, too. Alone in its transaction, so that nobody waits for it in a circle.
_STOP_KEEPING = "LOCK TABLE reading IN SHARE ROW EXCLUSIVE MODE"

_ERASE_CONTACT = """
DELETE FROM reading
WHERE partition = $1 AND account_id = $2 AND kind = 'contact' AND id = $3
RETURNING true
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
    """Keep what was read of a thing, unless it changed since the reading began, or was erased."""
    key = partition_of(account_id), account_id, kind, id_
    await conn.execute(_SAVE_READING, *key, kept.read_at, kept.sealed)


async def forget_reading(conn: Connection, account_id: UUID, kind: Kind, id_: int) -> None:
    """Forget what was read of a thing: it changed."""
    await conn.execute(_FORGET_READING, partition_of(account_id), account_id, kind, id_)


async def forget_old_readings(conn: Connection, partition: int, age: timedelta) -> None:
    """Forget what nobody will use again: it may be about a person."""
    await conn.execute(_FORGET_OLD_READINGS, partition, age)


async def erase_contact(conn: Connection, account_id: UUID, contact_id: int) -> int:
    """Delete what was read of a contact that is noted as erased; return how many rows that were."""
    await conn.execute(_STOP_KEEPING)
    key = partition_of(account_id), account_id
    return int(await conn.fetchval(_ERASE_CONTACT, *key, contact_id) is not None)
