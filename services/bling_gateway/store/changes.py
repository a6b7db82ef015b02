"""How far each account was compared with Bling, when it is due again, and whether webhooks come."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from services.bling_gateway.silence import NOTED_EVERY, Listening
from shared.contracts import partition_of
from shared.gateway.store import Connection

_BEGIN_RECONCILING = """
INSERT INTO reconcile (partition, account_id, changed_until, due_at, listening_since)
VALUES ($1, $2, clock_timestamp(), clock_timestamp() + $3, clock_timestamp())
ON CONFLICT (partition, account_id) DO UPDATE
SET listening_since = excluded.listening_since, missed_since = NULL, missed = 0, silent = false
"""

_BEGIN_COMPARISON = """
UPDATE reconcile
SET comparing_until = coalesce(comparing_until, $3)
WHERE partition = $1 AND account_id = $2
RETURNING changed_until, comparing_until, listed_until
"""

_RECORD_LISTED = """
UPDATE reconcile
SET listed_until = $3
WHERE partition = $1 AND account_id = $2
"""

_END_COMPARISON = """
UPDATE reconcile
SET changed_until = comparing_until, comparing_until = NULL, listed_until = NULL,
    compared_at = clock_timestamp()
WHERE partition = $1 AND account_id = $2
"""

_TAKE_DUE = """
UPDATE reconcile AS r
SET due_at = clock_timestamp() + $2
FROM (
    SELECT r.partition, r.account_id
    FROM reconcile AS r
    JOIN account AS a ON a.partition = r.partition AND a.account_id = r.account_id
    WHERE r.partition = $1 AND r.due_at <= clock_timestamp() AND a.state = 'connected'
      AND coalesce(r.comparing_until < clock_timestamp() - interval '1 hour', true)
    ORDER BY r.due_at
    LIMIT $3
    FOR UPDATE OF r SKIP LOCKED
) AS due
WHERE r.partition = due.partition AND r.account_id = due.account_id
RETURNING r.account_id
"""

_HEARD = """
INSERT INTO webhook_heard AS known (partition, account_id, at)
VALUES ($1, $2, clock_timestamp())
ON CONFLICT (partition, account_id) DO UPDATE
SET at = excluded.at
WHERE known.at < excluded.at - $3::interval
"""

_LISTENING = """
SELECT h.at AS heard_at, r.missed_since, r.missed, r.silent, r.listening_since
FROM reconcile AS r
LEFT JOIN webhook_heard AS h ON h.partition = r.partition AND h.account_id = r.account_id
WHERE r.partition = $1 AND r.account_id = $2
FOR UPDATE OF r
"""

_RECORD_LISTENING = """
UPDATE reconcile
SET missed_since = $3, missed = $4, silent = $5
WHERE partition = $1 AND account_id = $2
"""

_EVERYWHERE = """
SELECT count(*) FILTER (WHERE r.silent) AS silent,
       count(*) FILTER (WHERE h.at > clock_timestamp() - $1::interval) AS hearing
FROM reconcile AS r
LEFT JOIN webhook_heard AS h ON h.partition = r.partition AND h.account_id = r.account_id
"""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Changes were looked for until ``changed_until``, and are now until ``comparing_until``.

    ``listed_until``: how far an earlier attempt at it has come.
    """

    changed_until: datetime
    comparing_until: datetime
    listed_until: datetime | None


@dataclass(frozen=True, slots=True)
class Everywhere:
    """How many accounts hear no webhooks, and how many do."""

    silent: int
    hearing: int


async def begin_reconciling(conn: Connection, account_id: UUID, first_in: timedelta) -> None:
    """Compare the account regularly from now on, and expect webhooks.

    What changed before it was first connected is not looked for.
    """
    await conn.execute(_BEGIN_RECONCILING, partition_of(account_id), account_id, first_in)


async def begin_comparison(conn: Connection, account_id: UUID, now: datetime) -> Comparison:
    """Begin a comparison at ``now``, or go on with one. The account must be compared regularly."""
    row = await conn.fetchrow(_BEGIN_COMPARISON, partition_of(account_id), account_id, now)
    return Comparison(**_one(row))


async def record_listed(conn: Connection, account_id: UUID, until: datetime) -> None:
    """Remember how far the comparison has come."""
    await conn.execute(_RECORD_LISTED, partition_of(account_id), account_id, until)


async def end_comparison(conn: Connection, account_id: UUID) -> None:
    """Remember that the comparison is complete."""
    await conn.execute(_END_COMPARISON, partition_of(account_id), account_id)


async def take_due_accounts(
    conn: Connection, partition: int, *, every: timedelta, limit: int
) -> list[UUID]:
    """Take connected accounts that are due; each is due again after ``every``.

    Those that are being compared for less than an hour are left alone.
    """
    return [row["account_id"] for row in await conn.fetch(_TAKE_DUE, partition, every, limit)]


async def heard(conn: Connection, account_id: UUID) -> None:
    """Note that a webhook of an order came."""
    await conn.execute(_HEARD, partition_of(account_id), account_id, NOTED_EVERY)


async def lock_listening(conn: Connection, account_id: UUID) -> tuple[Listening, datetime]:
    """Return how well webhooks come, and since when they are expected."""
    row = await conn.fetchrow(_LISTENING, partition_of(account_id), account_id)
    known = _one(row)
    since: datetime = known.pop("listening_since")
    return Listening(**known), since


async def record_listening(conn: Connection, account_id: UUID, listening: Listening) -> None:
    """Remember how well webhooks come."""
    key = partition_of(account_id), account_id
    after = (listening.missed_since, listening.missed, listening.silent)
    await conn.execute(_RECORD_LISTENING, *key, *after)


async def everywhere(conn: Connection, lately: timedelta) -> Everywhere:
    """Return how well webhooks come over all accounts."""
    return Everywhere(**_one(await conn.fetchrow(_EVERYWHERE, lately)))


def _one(row: asyncpg.Record | None) -> dict[str, Any]:
    if row is None:
        raise LookupError("the account is not compared regularly: it was never connected")
    return dict(row)
