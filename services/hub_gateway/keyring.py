"""What lets us in at 360Hub and 360Hub in at ours: sealed at rest, opened when used."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from services.hub_gateway.port import Credentials, UnauthorisedError, WebhookEndpoint
from services.hub_gateway.store import connections
from shared.gateway.store import Connection, Pool
from shared.gateway.values import utc_now
from shared.sealing import MasterKeys

OF_OLD_ENDPOINTS: Final = timedelta(days=5)
"""How long their secrets stay: longer than 360Hub goes on repeating a delivery to one."""

OF_ROTATED: Final = timedelta(hours=25)
"""How long a secret stays that was rotated: 360Hub signs with it for another day."""


class Keyring:
    """The credentials and webhook secrets of all accounts."""

    def __init__(self, pool: Pool, keys: MasterKeys) -> None:
        self._pool = pool
        self._keys = keys

    async def credentials(self, account_id: UUID) -> Credentials:
        """Return the account's client. Raises ``UnauthorisedError`` if it has none."""
        async with self._pool.acquire() as conn:
            found = await connections.find_connection(conn, account_id)
        if found is None or found.client_id is None or found.client_secret is None:
            raise UnauthorisedError("the account has no credentials")
        secret = self._keys.open(found.client_secret, context=_client_context(account_id))
        return Credentials(found.client_id, secret.decode())

    async def webhook_secrets(self, account_id: UUID) -> list[str]:
        """Return all secrets that the account's events may be signed with."""
        async with self._pool.acquire() as conn:
            sealed = await connections.active_secrets(conn, account_id, utc_now())
        return [
            self._keys.open(secret, context=_endpoint_context(account_id, endpoint_id)).decode()
            for endpoint_id, secret in sealed
        ]

    async def save_credentials(
        self, conn: Connection, account_id: UUID, hub_account_id: str, credentials: Credentials
    ) -> None:
        """Let ourselves in with these from now on."""
        context = _client_context(account_id)
        sealed = self._keys.seal(credentials.client_secret.encode(), context=context)
        await connections.save_credentials(
            conn, account_id, hub_account_id, credentials.client_id, sealed, utc_now()
        )

    async def drop(self, conn: Connection, account_id: UUID, *, made_until: datetime) -> bool:
        """Forget the credentials, unless they are newer. Events under way are accepted a while."""
        until = utc_now() + OF_OLD_ENDPOINTS
        return await connections.drop_credentials(
            conn, account_id, made_until=made_until, secrets_until=until
        )

    async def save_secret(
        self,
        conn: Connection,
        account_id: UUID,
        endpoint: WebhookEndpoint,
        *,
        old_stay: timedelta,
    ) -> None:
        """Accept what the endpoint's secret signed; what the one before did for as long as said."""
        context = _endpoint_context(account_id, endpoint.endpoint_id)
        sealed = self._keys.seal(endpoint.secret.encode(), context=context)
        await connections.replace_secret(
            conn, account_id, endpoint.endpoint_id, sealed, old_until=utc_now() + old_stay
        )


def _client_context(account_id: UUID) -> bytes:
    return b"360hub client secret|" + account_id.bytes


def _endpoint_context(account_id: UUID, endpoint_id: str) -> bytes:
    return b"360hub webhook secret|" + account_id.bytes + b"|" + endpoint_id.encode()
