"""The account's situações as they were last told, and those that orders showed without a list."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import asyncpg
from pydantic import TypeAdapter

from shared.contracts import partition_of
from shared.contracts.bling_gateway import Role, Situation, SituationsObserved, SituationsRefused
from shared.contracts.sync_core import WantedSituation
from shared.gateway.store import Connection

_KNOWN = """
SELECT wanted, observed, refused, told
FROM situation_list
WHERE partition = $1 AND account_id = $2
"""

_RECORD_OBSERVED = """
INSERT INTO situation_list AS l (partition, account_id, wanted, observed, listed, told, due_at)
VALUES ($1, $2, $3, $5, $6, 1, clock_timestamp() + $7)
ON CONFLICT (partition, account_id) DO UPDATE
SET wanted = excluded.wanted, observed = excluded.observed, refused = NULL,
    listed = excluded.listed, told = l.told + 1, due_at = excluded.due_at
WHERE l.told = $4
RETURNING told
"""

# What was observed before stays: which situação plays which part is remembered by it.
_RECORD_REFUSED = """
INSERT INTO situation_list AS l (partition, account_id, wanted, refused, told, due_at)
VALUES ($1, $2, $3, $5, 1, clock_timestamp() + $6)
ON CONFLICT (partition, account_id) DO UPDATE
SET wanted = excluded.wanted, refused = excluded.refused, listed = NULL, told = l.told + 1,
    due_at = excluded.due_at
WHERE l.told = $4
RETURNING told
"""

# Nothing is written, and nothing locked, for situações that are in the list.
_NOTE_UNLISTED = """
INSERT INTO unlisted_situation AS u (partition, account_id, situation, value, seen_at)
SELECT l.partition, l.account_id, shown.situation, shown.value, clock_timestamp()
FROM situation_list AS l
CROSS JOIN unnest($3::bigint[], $4::bigint[]) AS shown (situation, value)
WHERE l.partition = $1 AND l.account_id = $2 AND shown.situation <> ALL (l.listed)
ORDER BY shown.situation
ON CONFLICT (partition, account_id, situation) DO UPDATE
SET value = COALESCE(excluded.value, u.value), seen_at = excluded.seen_at
WHERE u.seen_at < clock_timestamp() - $5::interval
RETURNING situation
"""

_UNLISTED = """
SELECT situation AS id, value
FROM unlisted_situation
WHERE partition = $1 AND account_id = $2 AND seen_at > clock_timestamp() - $3::interval
"""

_TAKE_DUE = """
UPDATE situation_list AS l
SET due_at = clock_timestamp() + $2
FROM (
    SELECT l.partition, l.account_id
    FROM situation_list AS l
    JOIN account AS a ON a.partition = l.partition AND a.account_id = l.account_id
    WHERE l.partition = $1 AND l.due_at <= clock_timestamp() AND a.state = 'connected'
    ORDER BY l.due_at
    LIMIT $3
    FOR UPDATE OF l SKIP LOCKED
) AS due
WHERE l.partition = due.partition AND l.account_id = due.account_id
RETURNING l.account_id
"""

_WANTED = TypeAdapter(tuple[WantedSituation, ...])


@dataclass(frozen=True, slots=True)
class Told:
    """What the world was told of an account's situações, and how often.

    ``roles`` is who plays each part that is ``wanted``; it outlasts a refusal.
    """

    wanted: tuple[WantedSituation, ...] = ()
    roles: Mapping[Role, int] = field(default_factory=dict)
    observed: SituationsObserved | None = None
    refused: SituationsRefused | None = None
    times: int = 0


async def told(conn: Connection, account_id: UUID) -> Told:
    """Return what was last told of the account's situações."""
    row = await conn.fetchrow(_KNOWN, partition_of(account_id), account_id)
    return Told() if row is None else _told_of(row)


async def record_observed(
    conn: Connection, account_id: UUID, before: Told, observed: SituationsObserved, again: timedelta
) -> int | None:
    """Remember what is told in this transaction; return how often something was.

    None: something else was told since ``before`` was read, and nothing is remembered. ``again``
    is when the list is due to be read again.
    """
    told: int | None = await conn.fetchval(
        _RECORD_OBSERVED,
        partition_of(account_id),
        account_id,
        _WANTED.dump_json(before.wanted).decode(),
        before.times,
        observed.model_dump_json(),
        [situation.id for situation in observed.situations],
        again,
    )
    return told


async def record_refused(
    conn: Connection, account_id: UUID, before: Told, refused: SituationsRefused, again: timedelta
) -> int | None:
    """Remember that the list may not be read, as `record_observed` does for what was read."""
    told: int | None = await conn.fetchval(
        _RECORD_REFUSED,
        partition_of(account_id),
        account_id,
        _WANTED.dump_json(before.wanted).decode(),
        before.times,
        refused.model_dump_json(),
        again,
    )
    return told


async def note_unlisted(
    conn: Connection, account_id: UUID, shown: Iterable[Situation], every: timedelta
) -> bool:
    """Note which of the situações are not in the list; tell whether that is news.

    It is if one was not noted for ``every``. Nothing is before a list was read, or while it may
    not be.
    """
    values = {situation.id: situation.value for situation in shown}
    news = await conn.fetch(
        _NOTE_UNLISTED,
        partition_of(account_id),
        account_id,
        list(values.keys()),
        list(values.values()),
        every,
    )
    return bool(news)


async def unlisted(conn: Connection, account_id: UUID, within: timedelta) -> list[Situation]:
    """Return what was noted lately, whether it is listed by now or not."""
    rows = await conn.fetch(_UNLISTED, partition_of(account_id), account_id, within)
    return [Situation(**row) for row in rows]


async def take_due_lists(
    conn: Connection, partition: int, *, every: timedelta, limit: int
) -> list[UUID]:
    """Take connected accounts whose list is due; each is due again after ``every``."""
    return [row["account_id"] for row in await conn.fetch(_TAKE_DUE, partition, every, limit)]


def _told_of(row: asyncpg.Record) -> Told:
    observed = row["observed"] and SituationsObserved.model_validate_json(row["observed"])
    refused = row["refused"] and SituationsRefused.model_validate_json(row["refused"])
    return Told(
        wanted=_WANTED.validate_json(row["wanted"]),
        roles=observed.roles if observed else {},
        observed=observed,
        refused=refused,
        times=row["told"],
    )
