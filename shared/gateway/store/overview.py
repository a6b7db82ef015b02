"""What operators see of all accounts at once: read now and then, by people."""

from collections import defaultdict
from datetime import datetime
from uuid import UUID

from shared.contracts import partition_of
from shared.gateway.store import Connection
from shared.gateway.values import Priority

_COUNTED = """
SELECT account_id, priority, state, count(*)
FROM work
GROUP BY account_id, priority, state
"""

LAST_WEBHOOKS = """
SELECT account.account_id, newest.received_at
FROM account
CROSS JOIN LATERAL (
    SELECT received_at
    FROM inbox
    WHERE inbox.partition = account.partition AND inbox.account_id = account.account_id
    ORDER BY received_at DESC
    LIMIT 1
) AS newest
"""


LAST_WEBHOOK = """
SELECT max(received_at)
FROM inbox
WHERE partition = $1 AND account_id = $2
"""

Counted = dict[tuple[Priority, str], int]


async def counted(conn: Connection) -> dict[UUID, Counted]:
    """Count each account's pieces of work by priority and state."""
    found: defaultdict[UUID, Counted] = defaultdict(dict)
    for row in await conn.fetch(_COUNTED):
        found[row["account_id"]][Priority(row["priority"]), row["state"]] = row["count"]
    return found


async def last_webhooks(conn: Connection) -> dict[UUID, datetime]:
    """Return when each account's newest webhook came."""
    rows = await conn.fetch(LAST_WEBHOOKS)
    return {row["account_id"]: row["received_at"] for row in rows}


async def last_webhook(conn: Connection, account_id: UUID) -> datetime | None:
    """Return when the account's newest webhook came."""
    moment: datetime | None = await conn.fetchval(
        LAST_WEBHOOK, partition_of(account_id), account_id
    )
    return moment
