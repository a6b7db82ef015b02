"""Calls whose exact bytes are kept, so that they can be repeated."""

from uuid import UUID

from services.hub_gateway.port import PreparedCall
from services.hub_gateway.store.rows import account_key, existing
from shared.gateway.store import Connection

_PREPARE_CALL = """
    INSERT INTO prepared_call (partition, account_id, command_id, idempotency_key, body)
    VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT DO NOTHING
"""

_PREPARED_CALL = """
    SELECT idempotency_key AS key, body
    FROM prepared_call
    WHERE partition = $1 AND account_id = $2 AND command_id = $3
"""

_DROP_CALL = """
    DELETE FROM prepared_call
    WHERE partition = $1 AND account_id = $2 AND command_id = $3
"""


async def prepare_call(
    conn: Connection, account_id: UUID, command_id: UUID, call: PreparedCall
) -> PreparedCall:
    """Keep the call and return it, or the one that was kept before and has no result yet."""
    key = (*account_key(account_id), command_id)
    await conn.execute(_PREPARE_CALL, *key, call.key, call.body)
    return PreparedCall(**existing(await conn.fetchrow(_PREPARED_CALL, *key)))


async def drop_call(conn: Connection, account_id: UUID, command_id: UUID) -> None:
    """Forget the call: its result is known."""
    await conn.execute(_DROP_CALL, *account_key(account_id), command_id)
