"""How accounts are connected: sealed credentials, and what 360Hub signs its events with."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.hub_gateway.store.rows import account_key
from shared.gateway.store import Connection

_CONNECTION = """
    SELECT hub_account_id, client_id, client_secret, endpoint_id, verified_at, made_at
    FROM connection
    WHERE partition = $1 AND account_id = $2
"""

_SHOWN = """
    SELECT c.account_id, c.hub_account_id, c.client_id, c.verified_at, cursor.compared_at
    FROM connection AS c
    LEFT JOIN change_cursor AS cursor USING (partition, account_id)
    WHERE $1::uuid IS NULL OR c.account_id = $1
"""

_SAVE_CONNECTION = """
    INSERT INTO connection
        (partition, account_id, hub_account_id, client_id, client_secret, endpoint_id, verified_at,
         made_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT (partition, account_id) DO UPDATE
    SET hub_account_id = excluded.hub_account_id,
        client_id = excluded.client_id,
        client_secret = excluded.client_secret,
        endpoint_id = excluded.endpoint_id,
        verified_at = excluded.verified_at,
        made_at = excluded.made_at
"""

_KEEP = """
    SELECT FROM connection WHERE partition = $1 AND account_id = $2 AND made_at > $3 FOR UPDATE
"""

_DROP_CREDENTIALS = """
    UPDATE connection
    SET client_id = NULL, client_secret = NULL, endpoint_id = NULL, verified_at = NULL
    WHERE partition = $1 AND account_id = $2
"""

_VERIFIED = """
    UPDATE connection
    SET verified_at = $3
    WHERE partition = $1 AND account_id = $2 AND verified_at IS NULL AND endpoint_id IS NOT NULL
    RETURNING hub_account_id
"""

_RETIRE_SIGNING = """
    UPDATE webhook_secret
    SET valid_until = $3
    WHERE partition = $1 AND account_id = $2 AND valid_until IS NULL
"""

_ADD_SIGNING = """
    INSERT INTO webhook_secret (partition, account_id, endpoint_id, secret)
    VALUES ($1, $2, $3, $4)
"""

_SIGNING = """
    SELECT endpoint_id, secret
    FROM webhook_secret
    WHERE partition = $1 AND account_id = $2 AND (valid_until IS NULL OR valid_until > $3)
"""


@dataclass(frozen=True, slots=True)
class HubConnection:
    """How an account is connected. The secret is sealed.

    Without credentials and endpoint it was disconnected on request.
    """

    hub_account_id: str
    client_id: str | None
    client_secret: bytes | None
    endpoint_id: str | None
    verified_at: datetime | None
    made_at: datetime


async def find_connection(conn: Connection, account_id: UUID) -> HubConnection | None:
    """Return how the account is connected, if it ever was."""
    row = await conn.fetchrow(_CONNECTION, *account_key(account_id))
    return None if row is None else _connection(row)


async def shown(conn: Connection, only: UUID | None) -> list[Any]:
    """Return what operators see of how accounts, or one, are connected and were compared."""
    return await conn.fetch(_SHOWN, only)


async def save_connection(conn: Connection, account_id: UUID, made: HubConnection) -> None:
    """Use these credentials and this endpoint from now on."""
    await conn.execute(
        _SAVE_CONNECTION,
        *account_key(account_id),
        made.hub_account_id,
        made.client_id,
        made.client_secret,
        made.endpoint_id,
        made.verified_at,
        made.made_at,
    )


async def drop_credentials(
    conn: Connection, account_id: UUID, *, made_until: datetime, secrets_until: datetime
) -> bool:
    """Forget credentials that were stored until then. False: newer ones are in use.

    What the endpoint's secret signed is accepted until ``secrets_until``.
    """
    key = account_key(account_id)
    if await conn.fetchrow(_KEEP, *key, made_until) is not None:
        return False
    await conn.execute(_DROP_CREDENTIALS, *key)
    await conn.execute(_RETIRE_SIGNING, *key, secrets_until)
    return True


async def verified(conn: Connection, account_id: UUID, at: datetime) -> str | None:
    """Remember that events reach us; return 360Hub's id of the account if that is news."""
    found: str | None = await conn.fetchval(_VERIFIED, *account_key(account_id), at)
    return found


async def replace_secret(
    conn: Connection, account_id: UUID, endpoint_id: str, sealed: bytes, *, old_until: datetime
) -> None:
    """Accept what the endpoint's secret signed, and until ``old_until`` what older ones did."""
    await conn.execute(_RETIRE_SIGNING, *account_key(account_id), old_until)
    await conn.execute(_ADD_SIGNING, *account_key(account_id), endpoint_id, sealed)


async def active_secrets(
    conn: Connection, account_id: UUID, now: datetime
) -> list[tuple[str, bytes]]:
    """Return the sealed secrets that events may be signed with, each with its endpoint."""
    rows = await conn.fetch(_SIGNING, *account_key(account_id), now)
    return [(row["endpoint_id"], row["secret"]) for row in rows]


def _connection(row: Any) -> HubConnection:
    return HubConnection(
        row["hub_account_id"],
        row["client_id"],
        row["client_secret"],
        row["endpoint_id"],
        row["verified_at"],
        row["made_at"],
    )
