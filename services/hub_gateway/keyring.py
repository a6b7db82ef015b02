"""What lets us in at 360Hub and 360Hub in at ours: sealed at rest, opened when used."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from services.hub_gateway.port import Credentials, UnauthorisedError, WebhookEndpoint
from services.hub_gateway.store import connections
from services.hub_gateway.store.connections import HubConnection
from shared.gateway.store import Connection, Pool
from shared.gateway.values import utc_now
from shared.sealing import MasterKeys

_OLD_SECRETS_STAY: Final = timedelta(days=5)
"""Longer than 360Hub goes on repeating a delivery to an endpoint that was replaced."""


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

    def seal(
        self,
        account_id: UUID,
        credentials: Credentials,
        *,
        hub_account_id: str,
        endpoint_id: str | None,
        verified_at: datetime | None,
    ) -> HubConnection:
        """Return the connection as it is stored."""
        sealed = self._keys.seal(
            credentials.client_secret.encode(), context=_client_context(account_id)
        )
        return HubConnection(
            hub_account_id=hub_account_id,
            client_id=credentials.client_id,
            client_secret=sealed,
            endpoint_id=endpoint_id,
            verified_at=verified_at,
            made_at=utc_now(),
        )

    async def drop(self, conn: Connection, account_id: UUID, *, made_until: datetime) -> bool:
        """Forget the credentials, unless they are newer. Events under way are accepted a while."""
        until = utc_now() + _OLD_SECRETS_STAY
        return await connections.drop_credentials(
            conn, account_id, made_until=made_until, secrets_until=until
        )

    async def save_endpoint(
        self, conn: Connection, account_id: UUID, endpoint: WebhookEndpoint
    ) -> None:
        """Accept what the endpoint's secret signed; what older ones did for a while longer."""
        context = _endpoint_context(account_id, endpoint.endpoint_id)
        sealed = self._keys.seal(endpoint.secret.encode(), context=context)
        until = utc_now() + _OLD_SECRETS_STAY
        await connections.replace_secret(
            conn, account_id, endpoint.endpoint_id, sealed, old_until=until
        )


def _client_context(account_id: UUID) -> bytes:
    return b"360hub client secret|" + account_id.bytes


def _endpoint_context(account_id: UUID, endpoint_id: str) -> bytes:
    return b"360hub webhook secret|" + account_id.bytes + b"|" + endpoint_id.encode()
