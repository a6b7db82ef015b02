"""Calls whose exact bytes are kept, so that they can be repeated."""

from dataclasses import dataclass
from uuid import UUID

from services.hub_gateway.port import PreparedCall
from services.hub_gateway.store.rows import account_key, existing
from shared.gateway.store import Connection

_KEEP_CALL = """
    INSERT INTO prepared_call (partition, account_id, command_id, idempotency_key, body)
    VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT DO NOTHING
"""

_KEPT_CALL = """
    SELECT idempotency_key AS key, body
    FROM prepared_call
    WHERE partition = $1 AND account_id = $2 AND command_id = $3
"""

_DROP_CALL = """
    DELETE FROM prepared_call
    WHERE partition = $1 AND account_id = $2 AND command_id = $3
    RETURNING true
"""


@dataclass(frozen=True, slots=True)
class KeptCall:
    """A call that is kept. ``may_have_run``: it was tried before, and nobody knows what came."""

    call: PreparedCall
    may_have_run: bool


async def keep_call(
    conn: Connection, account_id: UUID, command_id: UUID, fresh: PreparedCall
) -> KeptCall:
    """Keep the call and return it, or the one that was kept before and has no result yet."""
    key = (*account_key(account_id), command_id)
    await conn.execute(_KEEP_CALL, *key, fresh.key, fresh.body)
    kept = PreparedCall(**existing(await conn.fetchrow(_KEPT_CALL, *key)))
    return KeptCall(kept, may_have_run=kept.key != fresh.key)


async def is_kept(conn: Connection, account_id: UUID, command_id: UUID) -> bool:
    """Tell whether there is such a call whose result is not known."""
    return await conn.fetchrow(_KEPT_CALL, *account_key(account_id), command_id) is not None


async def drop_call(conn: Connection, account_id: UUID, command_id: UUID) -> bool:
    """Forget the call: its result is known. False: somebody else knew it before."""
    dropped = await conn.fetchval(_DROP_CALL, *account_key(account_id), command_id)
    return dropped is not None
