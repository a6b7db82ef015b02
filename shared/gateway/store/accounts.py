"""The accounts that the sync core made known, and the clock of each.

An account's clock runs while its work could: connected, not paused, its day's calls not used up.
"""

from datetime import datetime
from uuid import UUID

import asyncpg

from shared.gateway.store import Connection

_KNOW = """
INSERT INTO account (partition, account_id, tag, name, state)
VALUES ($1, $2, $3, $4, 'known')
ON CONFLICT (partition, account_id) DO UPDATE SET tag = $3, name = $4
"""

_COLUMNS = "SELECT account_id, tag, name, state, paused_reason FROM account"
_ONE = _COLUMNS + " WHERE partition = $1 AND account_id = $2"
_NAMED = _COLUMNS + " WHERE account_id::text = $1 OR tag = $1"
_ALL = _COLUMNS + " ORDER BY partition, account_id"

_CONNECT = """
UPDATE account
SET state = 'connected',
    resting_until = NULL,
    running_since = CASE WHEN paused_reason IS NULL THEN coalesce(running_since, $3) END
WHERE partition = $1 AND account_id = $2
"""

_DISCONNECT = """
UPDATE account
SET state = 'disconnected',
    ran = ran + greatest($3 - running_since, interval '0'),
    running_since = NULL
WHERE partition = $1 AND account_id = $2
"""

_PAUSE = """
UPDATE account
SET paused_reason = $4,
    ran = ran + greatest($3 - running_since, interval '0'),
    running_since = NULL
WHERE partition = $1 AND account_id = $2 AND paused_reason IS DISTINCT FROM $4
"""

_RESUME = """
UPDATE account
SET paused_reason = NULL,
    running_since = CASE WHEN state = 'connected' THEN coalesce(running_since, $3) END
WHERE partition = $1 AND account_id = $2 AND paused_reason IS NOT NULL
"""

_REST = """
UPDATE account
SET resting_until = greatest(resting_until, $3)
WHERE partition = $1 AND account_id = $2
"""

_HOLD_CLOCK = """
UPDATE account
SET ran = ran + greatest($3 - running_since, interval '0'),
    running_since = greatest(running_since, $4)
WHERE partition = $1 AND account_id = $2 AND running_since IS NOT NULL
"""


async def know(conn: Connection, partition: int, account_id: UUID, *, tag: str, name: str) -> None:
    """Store an account, or its new name. What it is connected to stays."""
    await conn.execute(_KNOW, partition, account_id, tag, name)


async def find(conn: Connection, partition: int, account_id: UUID) -> asyncpg.Record | None:
    """Return one account."""
    return await conn.fetchrow(_ONE, partition, account_id)


async def named(conn: Connection, name: str) -> asyncpg.Record | None:
    """Return the account of this id or tag."""
    return await conn.fetchrow(_NAMED, name)


async def every(conn: Connection) -> list[asyncpg.Record]:
    """Return all accounts."""
    return await conn.fetch(_ALL)


async def connect(conn: Connection, partition: int, account_id: UUID, now: datetime) -> bool:
    """Let the account's work run. False: the account is not known."""
    return _found(await conn.execute(_CONNECT, partition, account_id, now))


async def disconnect(conn: Connection, partition: int, account_id: UUID, now: datetime) -> bool:
    """Let the account's work wait until it is connected again. False: not known."""
    return _found(await conn.execute(_DISCONNECT, partition, account_id, now))


async def pause(
    conn: Connection, partition: int, account_id: UUID, now: datetime, reason: str
) -> bool:
    """Let the account's work wait until it is resumed. False: paused so already, or not known."""
    return _found(await conn.execute(_PAUSE, partition, account_id, now, reason))


async def resume(conn: Connection, partition: int, account_id: UUID, now: datetime) -> bool:
    """Let a paused account's work run, if it is connected. False: not paused, or not known."""
    return _found(await conn.execute(_RESUME, partition, account_id, now))


async def rest(conn: Connection, partition: int, account_id: UUID, until: datetime) -> None:
    """Take nothing of the account until then. Its clock goes on: its work could have run."""
    await conn.execute(_REST, partition, account_id, until)


async def hold_clock(
    conn: Connection, partition: int, account_id: UUID, *, now: datetime, until: datetime
) -> None:
    """Stop the account's clock until then: its work could not have run."""
    await conn.execute(_HOLD_CLOCK, partition, account_id, now, until)


def _found(status: str) -> bool:
    return status == "UPDATE 1"
