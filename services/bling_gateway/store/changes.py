"""How far each account was compared with Bling, and when it is due again."""

from datetime import datetime, timedelta
from uuid import UUID

from shared.contracts import partition_of
from shared.gateway.store import Connection

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
SET due_at = clock_timestamp() + $2
FROM (
    SELECT r.partition, r.account_id
    FROM reconcile AS r
    JOIN account AS a ON a.partition = r.partition AND a.account_id = r.account_id
    WHERE r.partition = $1 AND r.due_at <= clock_timestamp() AND a.state = 'connected'
    ORDER BY r.due_at
    LIMIT $3
    FOR UPDATE OF r SKIP LOCKED
) AS due
WHERE r.partition = due.partition AND r.account_id = due.account_id
RETURNING r.account_id
"""


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


async def take_due_accounts(
    conn: Connection, partition: int, *, every: timedelta, limit: int
) -> list[UUID]:
    """Take connected accounts that are due; each is due again after ``every``."""
    return [row["account_id"] for row in await conn.fetch(_TAKE_DUE, partition, every, limit)]
