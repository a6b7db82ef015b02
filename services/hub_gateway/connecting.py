"""Connecting an account: its credentials proved, its events subscribed to and seen to arrive."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID
from weakref import WeakValueDictionary

from services.hub_gateway.announcing import Announcer
from services.hub_gateway.endpoints import Endpoints
from services.hub_gateway.keyring import Keyring
from services.hub_gateway.port import (
    Credentials,
    Hub,
    OpenHub,
    WebhookEndpoint,
    at_once,
)
from services.hub_gateway.store import changes, connections, shipments
from services.hub_gateway.store.connections import HubConnection
from shared.contracts.hub_gateway import Capability
from shared.gateway import accounts
from shared.gateway.store import Pool
from shared.gateway.values import utc_now

_VERIFIED_WITHIN_S: Final = 12.0
_LOOK_EVERY_S: Final = 0.05


class OtherHubAccountError(Exception):
    """The account's shipments are in another account of 360Hub's."""


class Given:
    """Credentials that are being tried, and not stored yet."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    async def credentials(self, account_id: UUID) -> Credentials:
        """Return them, whoever asks."""
        return self._credentials


class Registrations:
    """Lets an account's webhooks wait while its endpoint is being registered.

    360Hub verifies an endpoint at once, often before the secret that signs the verification is
    stored. Refusing it would cost the seconds until 360Hub tries again.
    """

    def __init__(self) -> None:
        # Weak: anyone can name an account in a webhook's address, and no lock may stay for that.
        self._locks: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()

    def of(self, account_id: UUID) -> asyncio.Lock:
        """Return the account's lock."""
        return self._locks.setdefault(account_id, asyncio.Lock())


@dataclass(frozen=True, slots=True)
class _Proved:
    """Credentials that 360Hub accepted, and what is to be stored with them."""

    credentials: Credentials
    hub_account_id: str
    cursor: str | None
    """Where to begin with the account's changes. None: where they were read up to."""
    before: HubConnection | None
    """How it was connected to the same account of 360Hub's before, if it was."""
    made: WebhookEndpoint | None
    """A new endpoint: the account is connected once 360Hub was seen to reach us. None: 360Hub
    still delivers to the one before, or cannot deliver at all."""
    lacks: frozenset[Capability]


class Connecting:
    """Connects accounts, and connects them anew with other credentials."""

    def __init__(
        self,
        pool: Pool,
        keyring: Keyring,
        registrations: Registrations,
        endpoints: Endpoints,
        announcer: Announcer,
        *,
        open_hub: OpenHub,
        renewed: Callable[[UUID], None],
        committed: Callable[[UUID], None],
    ) -> None:
        self._pool = pool
        self._keyring = keyring
        self._registrations = registrations
        self._endpoints = endpoints
        self._announcer = announcer
        self._open_hub = open_hub
        self._renewed = renewed
        self._committed = committed

    async def connect(self, account_id: UUID, credentials: Credentials) -> bool:
        """Use the credentials from now on; return whether 360Hub's events were seen to arrive.

        Nothing is stored unless 360Hub accepts them. May be repeated, with the same credentials or
        with others of the same account at 360Hub. Raises ``UnknownAccount``,
        `OtherHubAccountError`, and the ``HubError`` that 360Hub gives cause for.
        """
        async with self._registrations.of(account_id):
            await self._require_known(account_id)
            proved = await self._prove(account_id, credentials)
            await self._store(account_id, proved)
        self._renewed(account_id)
        self._committed(account_id)
        return proved.made is None or await until_verified(self._pool, account_id)

    async def _require_known(self, account_id: UUID) -> None:
        async with self._pool.acquire() as conn:
            if await accounts.find(conn, account_id) is None:
                raise accounts.UnknownAccount

    async def _prove(self, account_id: UUID, credentials: Credentials) -> _Proved:
        hub = self._open_hub(Given(credentials), at_once)
        hub_account_id = await hub.hub_account(account_id)
        before = await self._current(account_id, hub_account_id)
        cursor = None if before else await hub.newest_change(account_id)
        made = await self._register(hub, account_id, before)
        return _Proved(credentials, hub_account_id, cursor, before, made, hub.lacks)

    async def _register(
        self, hub: Hub, account_id: UUID, before: HubConnection | None
    ) -> WebhookEndpoint | None:
        if "webhooks" in hub.lacks:
            return None
        if before is not None and await _still_delivers(hub, account_id, before):
            return None
        return await self._endpoints.register(hub, account_id)

    async def _current(self, account_id: UUID, hub_account_id: str) -> HubConnection | None:
        async with self._pool.acquire() as conn:
            current = await connections.find_connection(conn, account_id)
            if current is None or current.hub_account_id == hub_account_id:
                return current
            if await shipments.has_shipments(conn, account_id):
                raise OtherHubAccountError
            return None

    async def _store(self, account_id: UUID, proved: _Proved) -> None:
        async with self._pool.acquire() as conn, conn.transaction():
            await self._keyring.save_credentials(
                conn, account_id, proved.hub_account_id, proved.credentials
            )
            if proved.cursor is not None:
                await changes.begin_reconciling(conn, account_id, proved.cursor, due_at=utc_now())
            if proved.made is not None:
                await self._endpoints.adopt(conn, account_id, proved.made, proved.before)
            else:
                await self._announcer.connected(
                    conn, account_id, proved.hub_account_id, proved.lacks
                )


async def until_verified(pool: Pool, account_id: UUID) -> bool:
    """Wait a while for 360Hub's signed event, at whichever replica; return whether it came in."""
    try:
        async with asyncio.timeout(_VERIFIED_WITHIN_S):
            while not await _was_verified(pool, account_id):  # noqa: ASYNC110
                # No event could tell: it may come in at another replica.
                await asyncio.sleep(_LOOK_EVERY_S)
    except TimeoutError:
        return False
    return True


async def _was_verified(pool: Pool, account_id: UUID) -> bool:
    async with pool.acquire() as conn:
        found = await connections.find_connection(conn, account_id)
    return found is not None and found.verified_at is not None


async def _still_delivers(hub: Hub, account_id: UUID, current: HubConnection) -> bool:
    if current.endpoint_id is None or current.verified_at is None:
        return False
    return await hub.webhook_is_active(account_id, current.endpoint_id)
