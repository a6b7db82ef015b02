"""The endpoint where 360Hub delivers an account's events: registered, given new secrets, replaced.

A call that makes a secret is kept until its result is stored. Repeated, it gets the same answer,
so neither a crash nor a lost answer leaves an endpoint behind that signs with what nobody knows.
"""

from uuid import UUID, uuid4

import structlog

from services.hub_gateway import tasks
from services.hub_gateway.keyring import OF_OLD_ENDPOINTS, OF_ROTATED, Keyring
from services.hub_gateway.open_calls import while_open
from services.hub_gateway.port import Hub, WebhookEndpoint
from services.hub_gateway.store import calls, connections
from services.hub_gateway.store.connections import HubConnection
from shared.contracts import derived_id
from shared.gateway.store import Connection, Pool, overview
from shared.gateway.values import NewWork, utc_now
from shared.gateway.work import WorkQueue

log = structlog.get_logger(__name__)


class NoEndpointError(Exception):
    """360Hub delivers nothing of the account's: it has no endpoint."""


class Endpoints:
    """The webhook endpoints of all accounts. Whoever makes the calls gives the hub."""

    def __init__(self, pool: Pool, queue: WorkQueue, keyring: Keyring, *, public_url: str) -> None:
        self._pool = pool
        self._queue = queue
        self._keyring = keyring
        self._public_url = public_url.rstrip("/")

    def url_of(self, account_id: UUID) -> str:
        """Return where 360Hub is to deliver the account's events."""
        return f"{self._public_url}/webhooks/hub/{account_id}"

    async def register(self, hub: Hub, account_id: UUID) -> WebhookEndpoint:
        """Have an endpoint made, which is in use once it was adopted."""
        purpose = _registration(account_id)
        fresh = hub.prepare_webhook(self.url_of(account_id), f"endpoint-{uuid4()}")
        async with self._pool.acquire() as conn, conn.transaction():
            kept = await calls.keep_call(conn, account_id, purpose, fresh)
            await connections.replacing(conn, account_id, utc_now())
        async with while_open(self._pool, account_id, purpose, kept):
            return await hub.register_webhook(account_id, kept.call)

    async def adopt(
        self,
        conn: Connection,
        account_id: UUID,
        made: WebhookEndpoint,
        before: HubConnection | None,
    ) -> bool:
        """Use an endpoint from now on. What happens until it is verified is delivered then.

        One before it that worked stays until then, too. False: somebody else adopted it, or the
        account was disconnected.
        """
        if not await calls.drop_call(conn, account_id, _registration(account_id)):
            return False
        url = self.url_of(account_id)
        if not await connections.save_endpoint(conn, account_id, made.endpoint_id, url):
            return False
        await self._keyring.save_secret(conn, account_id, made, old_stay=OF_OLD_ENDPOINTS)
        if before is not None:
            await self.note_failing(conn, account_id, before)
        if before is not None and before.endpoint_id is not None:
            await calls.drop_call(conn, account_id, _rotation(account_id, before.endpoint_id))
            if before.verified_at is None:
                useless = tasks.remove_webhook(account_id, before.endpoint_id)
                await self._queue.enqueue(conn, useless)
        return True

    async def replace(self, hub: Hub, account_id: UUID) -> None:
        """Have the account's events delivered to a new endpoint.

        Raises `NoEndpointError` if the account has no credentials, and what the calls raise.
        """
        before = await self._current(account_id)
        made = await self.register(hub, account_id)
        async with self._pool.acquire() as conn, conn.transaction():
            is_adopted = await self.adopt(conn, account_id, made, before)
        if not is_adopted and await self._is_stray(account_id, made):
            await hub.remove_webhook(account_id, made.endpoint_id)
            raise NoEndpointError
        log.warning(
            "360Hub delivers to a new endpoint, once it has verified it",
            action="webhooks_registered",
            account_id=str(account_id),
            endpoint_id=made.endpoint_id,
        )

    async def rotate_secret(self, hub: Hub, account_id: UUID) -> None:
        """Have deliveries signed with a new secret. The old one is accepted for another day.

        Raises `NoEndpointError`, and what the call raises.
        """
        endpoint_id = (await self._current(account_id)).endpoint_id
        if endpoint_id is None:
            raise NoEndpointError
        purpose = _rotation(account_id, endpoint_id)
        fresh = hub.prepare_rotation(f"rotate-{uuid4()}")
        async with self._pool.acquire() as conn, conn.transaction():
            kept = await calls.keep_call(conn, account_id, purpose, fresh)
        async with while_open(self._pool, account_id, purpose, kept):
            made = await hub.rotate_webhook_secret(account_id, endpoint_id, kept.call)
        async with self._pool.acquire() as conn, conn.transaction():
            if await calls.drop_call(conn, account_id, purpose):
                await self._keyring.save_secret(conn, account_id, made, old_stay=OF_ROTATED)

    async def settle(self, hub: Hub, account_id: UUID, current: HubConnection) -> None:
        """End what was begun and never stored: by a process that died, or for want of an answer."""
        async with self._pool.acquire() as conn:
            registers = await calls.is_kept(conn, account_id, _registration(account_id))
            rotates = current.endpoint_id is not None and await calls.is_kept(
                conn, account_id, _rotation(account_id, current.endpoint_id)
            )
        if registers:
            await self.replace(hub, account_id)
        elif rotates:
            await self.rotate_secret(hub, account_id)

    # --- whether it delivers

    async def note_failing(
        self, conn: Connection, account_id: UUID, current: HubConnection
    ) -> None:
        """Remember since when 360Hub may have delivered nothing."""
        heard_at = await overview.last_webhook(conn, account_id) or current.made_at
        if await connections.failing(conn, account_id, heard_at):
            log.warning(
                "360Hub does not deliver an account's events",
                action="webhooks_failing",
                account_id=str(account_id),
                since=heard_at.isoformat(),
            )

    async def note_delivering(self, conn: Connection, account_id: UUID) -> None:
        """Have delivered what was missed, if 360Hub did not deliver before."""
        await self._queue.enqueue(conn, *await _missed(conn, account_id))

    async def note_verified(self, conn: Connection, account_id: UUID) -> str | None:
        """Have nothing more delivered to endpoints before this one, and what they missed to it.

        Returns 360Hub's id of the account if the endpoint was not verified before.
        """
        hub_account_id = await connections.verified(conn, account_id, utc_now())
        old = await connections.old_endpoints(conn, account_id) if hub_account_id else []
        removals = [tasks.remove_webhook(account_id, endpoint_id) for endpoint_id in old]
        await self._queue.enqueue(conn, *removals, *await _missed(conn, account_id))
        return hub_account_id

    async def _current(self, account_id: UUID) -> HubConnection:
        async with self._pool.acquire() as conn:
            current = await connections.find_connection(conn, account_id)
        if current is None or current.client_id is None:
            raise NoEndpointError
        return current

    async def _is_stray(self, account_id: UUID, made: WebhookEndpoint) -> bool:
        async with self._pool.acquire() as conn:
            current = await connections.find_connection(conn, account_id)
        return current is None or current.endpoint_id != made.endpoint_id


async def _missed(conn: Connection, account_id: UUID) -> list[NewWork]:
    since = await connections.delivers(conn, account_id)
    return [] if since is None else [tasks.replay_webhooks(account_id, since)]


def _registration(account_id: UUID) -> UUID:
    return derived_id(account_id, "register webhook", "endpoint")


def _rotation(account_id: UUID, endpoint_id: str) -> UUID:
    return derived_id(account_id, "rotate secret", endpoint_id)
