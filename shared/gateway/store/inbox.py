"""The webhooks as they came in."""

from datetime import datetime
from uuid import UUID

from shared.gateway.store import Connection

_STORE = """
INSERT INTO inbox (webhook_id, partition, account_id, state, received_at, headers, body)
VALUES ($1, $2, $3, $4, $5, $6::text::jsonb, $7)
ON CONFLICT (webhook_id) DO NOTHING
RETURNING true
"""

_BODY = "SELECT body FROM inbox WHERE webhook_id = $1"


async def store(
    conn: Connection,
    *,
    webhook_id: str,
    partition: int | None,
    account_id: UUID | None,
    received_at: datetime,
    headers: str,
    body: bytes,
) -> bool:
    """Store a webhook. False: its id is known already."""
    state = "unclaimed" if account_id is None else "claimed"
    stored = await conn.fetchval(
        _STORE, webhook_id, partition, account_id, state, received_at, headers, body
    )
    return stored is not None


async def body(conn: Connection, webhook_id: str) -> bytes | None:
    """Return a webhook's body, if it is stored."""
    found: bytes | None = await conn.fetchval(_BODY, webhook_id)
    return found
