"""Taking turns: which piece of work runs next."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg

from shared.gateway.store import Connection
from shared.gateway.store.work import command_of
from shared.gateway.values import Priority, StreamKey, Work

# Steps from account to account through the index turn_next and stops when enough is found, so
# that 50,000 waiting streams of one account cost as much as one. Locked streams are passed over:
# somebody else is adding to them or taking them.
DUE = """
WITH RECURSIVE seller AS (
    (SELECT partition, account_id
     FROM turn
     WHERE priority = $1
       AND (partition, account_id) > ($2::smallint, $3::uuid)
     ORDER BY partition, account_id
     LIMIT 1)
    UNION ALL
    SELECT next.partition, next.account_id
    FROM seller
    CROSS JOIN LATERAL (
        SELECT partition, account_id
        FROM turn
        WHERE priority = $1
          AND (partition, account_id) > (seller.partition, seller.account_id)
        ORDER BY partition, account_id
        LIMIT 1
    ) AS next
)
SELECT due.partition, due.account_id, due.stream
FROM seller
CROSS JOIN LATERAL (
    SELECT 1
    FROM account
    WHERE account.partition = seller.partition
      AND account.account_id = seller.account_id
      AND account.state = 'connected'
      AND account.paused_reason IS NULL
      AND coalesce(account.resting_until, '-infinity') <= $4
    LIMIT 1
) AS open
LEFT JOIN pace ON pace.partition = seller.partition AND pace.account_id = seller.account_id
CROSS JOIN LATERAL (
    SELECT partition, account_id, stream
    FROM turn
    WHERE turn.priority = $1
      AND turn.partition = seller.partition
      AND turn.account_id = seller.account_id
      AND turn.run_at <= $4
    ORDER BY run_at
    LIMIT 1
    FOR UPDATE SKIP LOCKED
) AS due
WHERE seller.account_id <> ALL ($5::uuid[])
  AND coalesce(pace.free_at, '-infinity') <= $4 + $7::interval
  AND coalesce(
      CASE WHEN $1 <= 1 THEN pace.urgent_from ELSE pace.ordinary_from END, '-infinity') <= $4
LIMIT $6
"""

# Looked for apart, through an index of its own that is nearly always empty: giving an authorisation
# back must not wait until the account may be called again.
DUE_DISCONNECTIONS = """
SELECT partition, account_id, stream
FROM turn
WHERE stream = 'account:disconnect' AND run_at <= $1
ORDER BY run_at
LIMIT $2
FOR UPDATE SKIP LOCKED
"""

# What runs already is taken again: its lease is over. Otherwise, of the heads that may run, the
# most urgent. It runs with its stream's urgency: what is more urgent waits for it.
TAKE = """
WITH taken AS (
    UPDATE turn
    SET run_at = $5,
        running = coalesce(turn.running, (
            SELECT head.number
            FROM (VALUES ('inbound'), ('outbound')) AS lanes (lane)
            CROSS JOIN LATERAL (
                SELECT number, priority, run_at
                FROM work
                WHERE work.partition = turn.partition
                  AND work.account_id = turn.account_id
                  AND work.stream = turn.stream
                  AND work.lane = lanes.lane
                  AND work.state = 'waiting'
                ORDER BY number
                LIMIT 1
            ) AS head
            WHERE head.run_at <= $4
            ORDER BY head.priority, head.number
            LIMIT 1
        ))
    FROM unnest($1::smallint[], $2::uuid[], $3::text[]) AS key (partition, account_id, stream)
    WHERE turn.partition = key.partition
      AND turn.account_id = key.account_id
      AND turn.stream = key.stream
    RETURNING turn.partition, turn.account_id, turn.running, turn.priority
)
UPDATE work
SET state = 'running',
    attempt = work.attempt + 1,
    tried_since = coalesce(
        work.tried_since,
        account.ran + greatest($4 - account.running_since, interval '0'))
FROM taken
JOIN account ON account.partition = taken.partition AND account.account_id = taken.account_id
WHERE work.partition = taken.partition
  AND work.account_id = taken.account_id
  AND work.number = taken.running
RETURNING work.*, least(work.priority, taken.priority) AS urgency
"""

RENEW = """
UPDATE turn
SET run_at = $5
FROM work
JOIN unnest($1::smallint[], $2::uuid[], $3::bigint[], $4::integer[])
    AS ours (partition, account_id, number, attempt)
  ON work.partition = ours.partition
 AND work.account_id = ours.account_id
 AND work.number = ours.number
 AND work.attempt = ours.attempt
WHERE turn.partition = work.partition
  AND turn.account_id = work.account_id
  AND turn.stream = work.stream
  AND turn.running = work.number
"""

Turn = tuple[int, UUID]
"""Whose turn it was: (partition, account)."""

BEFORE_ALL: Final[Turn] = (-1, UUID(int=0))


async def due(
    conn: Connection,
    priority: Priority,
    *,
    after: Turn,
    now: datetime,
    busy: Collection[UUID],
    limit: int,
    patience: timedelta,
) -> list[StreamKey]:
    """Lock up to ``limit`` streams that may run: one per account, beginning after ``after``."""
    rows = await conn.fetch(DUE, priority, *after, now, list(busy), limit, patience)
    return [StreamKey(r["partition"], r["account_id"], r["stream"]) for r in rows]


async def due_disconnections(conn: Connection, *, now: datetime, limit: int) -> list[StreamKey]:
    """Lock up to ``limit`` streams in which an account is to be disconnected."""
    rows = await conn.fetch(DUE_DISCONNECTIONS, now, limit)
    return [StreamKey(r["partition"], r["account_id"], r["stream"]) for r in rows]


async def take(
    conn: Connection, keys: Collection[StreamKey], *, now: datetime, lease_until: datetime
) -> list[Work]:
    """Take one piece of each locked stream.

    A statement of its own, because it must see what was committed until the lock was ours.
    """
    rows = await conn.fetch(
        TAKE,
        [key.partition for key in keys],
        [key.account_id for key in keys],
        [key.stream for key in keys],
        now,
        lease_until,
    )
    return [_work_of(row) for row in rows]


async def renew(conn: Connection, works: Collection[Work], lease_until: datetime) -> None:
    """Lengthen the leases of work that is still this attempt's."""
    await conn.execute(
        RENEW,
        [work.partition for work in works],
        [work.account_id for work in works],
        [work.id for work in works],
        [work.attempt for work in works],
        lease_until,
    )


def _work_of(row: asyncpg.Record) -> Work:
    return Work(
        id=row["number"],
        partition=row["partition"],
        account_id=row["account_id"],
        stream=row["stream"],
        lane=row["lane"],
        kind=row["kind"],
        payload=row["payload"],
        priority=Priority(row["urgency"]),
        attempt=row["attempt"],
        failures=row["failures"],
        defects=row["defects"],
        enqueued_at=row["enqueued_at"],
        last_error=row["last_error"],
        command=None if row["command_id"] is None else command_of(row),
    )
