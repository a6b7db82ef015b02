"""How accounts are connected: sealed credentials, the endpoint, and what signs its events."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.hub_gateway.store.rows import account_key
from shared.gateway.store import Connection

_CONNECTION = """
    SELECT hub_account_id, client_id, client_secret, made_at, endpoint_id, endpoint_url,
        verified_at, failing_since, replaced_at
    FROM connection
    WHERE partition = $1 AND account_id = $2
"""

_SHOWN = """
    SELECT c.account_id, c.hub_account_id, c.client_id, c.endpoint_id, c.verified_at,
        c.failing_since, cursor.compared_at
    FROM connection AS c
    LEFT JOIN change_cursor AS cursor USING (partition, account_id)
    WHERE $1::uuid IS NULL OR c.account_id = $1
"""

_SAVE_CREDENTIALS = """
    INSERT INTO connection
        (partition, account_id, hub_account_id, client_id, client_secret, made_at)
    VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (partition, account_id) DO UPDATE
    SET hub_account_id = excluded.hub_account_id,
        client_id = excluded.client_id,
        client_secret = excluded.client_secret,
        made_at = excluded.made_at
"""

# Not of an account that gave its credentials back meanwhile.
_SAVE_ENDPOINT = """
    UPDATE connection
    SET endpoint_id = $3, endpoint_url = $4, verified_at = NULL
    WHERE partition = $1 AND account_id = $2 AND client_id IS NOT NULL
    RETURNING true
"""

_REPLACING = """
    UPDATE connection SET replaced_at = $3 WHERE partition = $1 AND account_id = $2
"""

_FAILING = """
    UPDATE connection
    SET failing_since = $3
    WHERE partition = $1 AND account_id = $2 AND failing_since IS NULL
    RETURNING true
"""

_DELIVERS = """
    WITH failing AS (
        SELECT partition, account_id, failing_since
        FROM connection
        WHERE partition = $1 AND account_id = $2 AND failing_since IS NOT NULL
        FOR UPDATE
    )
    UPDATE connection AS c
    SET failing_since = NULL
    FROM failing
    WHERE c.partition = failing.partition AND c.account_id = failing.account_id
    RETURNING failing.failing_since
"""

_KEEP = """
    SELECT FROM connection WHERE partition = $1 AND account_id = $2 AND made_at > $3 FOR UPDATE
"""

_DROP_CREDENTIALS = """
    UPDATE connection
    SET client_id = NULL, client_secret = NULL, endpoint_id = NULL, endpoint_url = NULL,
        verified_at = NULL, failing_since = NULL, replaced_at = NULL
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


_OLD_ENDPOINTS = """
    SELECT DISTINCT endpoint_id
    FROM webhook_secret AS old
    WHERE partition = $1 AND account_id = $2
      AND NOT EXISTS (
          SELECT FROM connection AS c
          WHERE c.partition = old.partition
            AND c.account_id = old.account_id
            AND c.endpoint_id = old.endpoint_id
      )
"""

_PURGE_SIGNING = """
    DELETE FROM webhook_secret WHERE partition = $1 AND valid_until < $2
"""


@dataclass(frozen=True, slots=True)
class HubConnection:
    """How an account is connected. The secret is sealed.

    Without credentials and endpoint it was disconnected on request; without an endpoint alone,
    its hub delivers nothing. ``failing_since`` is None while the endpoint delivers.
    """

    hub_account_id: str
    client_id: str | None
    client_secret: bytes | None
    made_at: datetime
    endpoint_id: str | None
    endpoint_url: str | None
    verified_at: datetime | None
    failing_since: datetime | None
    replaced_at: datetime | None


async def find_connection(conn: Connection, account_id: UUID) -> HubConnection | None:
    """Return how the account is connected, if it ever was."""
    row = await conn.fetchrow(_CONNECTION, *account_key(account_id))
    return None if row is None else HubConnection(**row)


async def shown(conn: Connection, only: UUID | None) -> list[Any]:
    """Return what operators see of how accounts, or one, are connected and were compared."""
    return await conn.fetch(_SHOWN, only)


async def save_credentials(
    conn: Connection,
    account_id: UUID,
    hub_account_id: str,
    client_id: str,
    sealed: bytes,
    made_at: datetime,
) -> None:
    """Use these credentials from now on."""
    key = account_key(account_id)
    await conn.execute(_SAVE_CREDENTIALS, *key, hub_account_id, client_id, sealed, made_at)


async def save_endpoint(conn: Connection, account_id: UUID, endpoint_id: str, url: str) -> bool:
    """Use this endpoint, not verified yet, from now on. False: the account was disconnected."""
    key = account_key(account_id)
    return await conn.fetchval(_SAVE_ENDPOINT, *key, endpoint_id, url) is not None


async def replacing(conn: Connection, account_id: UUID, at: datetime) -> None:
    """Remember when an endpoint was last registered in the place of another."""
    await conn.execute(_REPLACING, *account_key(account_id), at)


async def failing(conn: Connection, account_id: UUID, since: datetime) -> bool:
    """Remember that the endpoint delivers nothing. False: that is no news."""
    return await conn.fetchval(_FAILING, *account_key(account_id), since) is not None


async def delivers(conn: Connection, account_id: UUID) -> datetime | None:
    """Remember that the endpoint delivers; return since when it did not, if that is news."""
    since: datetime | None = await conn.fetchval(_DELIVERS, *account_key(account_id))
    return since


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


async def old_endpoints(conn: Connection, account_id: UUID) -> list[str]:
    """Return the endpoints that another one took the place of, and which may still exist."""
    rows = await conn.fetch(_OLD_ENDPOINTS, *account_key(account_id))
    return [row["endpoint_id"] for row in rows]


async def purge_secrets(conn: Connection, partition: int, now: datetime) -> None:
    """Forget the secrets that are no longer accepted."""
    await conn.execute(_PURGE_SIGNING, partition, now)
