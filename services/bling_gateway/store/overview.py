"""How accounts are connected, for operators to see: nothing sealed."""

from uuid import UUID

import asyncpg

from shared.gateway.store import Connection

_CONNECTIONS = """
SELECT
    a.account_id, c.company_id, c.name AS company, t.expires_at, t.renewed_at,
    r.compared_at, coalesce(r.silent, false) AS silent
FROM account AS a
LEFT JOIN company AS c ON c.account_id = a.account_id
LEFT JOIN token AS t ON t.partition = a.partition AND t.account_id = a.account_id
LEFT JOIN reconcile AS r ON r.partition = a.partition AND r.account_id = a.account_id
WHERE $1::uuid IS NULL OR a.account_id = $1
"""


async def connections(conn: Connection, only: UUID | None) -> list[asyncpg.Record]:
    """Return how each account is connected, or one."""
    return await conn.fetch(_CONNECTIONS, only)
