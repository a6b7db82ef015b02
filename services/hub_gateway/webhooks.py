"""360Hub's webhooks: verified on the raw bytes, stored, answered; worked on afterwards."""

import asyncio
import hashlib
import time
from collections.abc import Callable
from typing import Final, assert_never
from uuid import UUID

import structlog
from aiohttp import web

from services.hub_gateway import port, tasks
from services.hub_gateway.announcing import Announcer
from services.hub_gateway.connecting import Registrations
from services.hub_gateway.endpoints import Endpoints
from services.hub_gateway.keyring import Keyring
from services.hub_gateway.store import products, shipments
from shared.gateway import inbox
from shared.gateway.store import Connection, Pool, erasure
from shared.gateway.values import NewWork
from shared.gateway.webhooks import headers_of, is_about_its_content, storing, unauthentic
from shared.gateway.work import WorkQueue

log = structlog.get_logger(__name__)

_STORED_WITHIN_S: Final = 5.0
"""360Hub waits 15 seconds for an answer. Who cannot keep up is better asked to come again."""


class Webhooks:
    """Takes in whatever 360Hub really sent, understood or not, once.

    Answers 204 when it is stored, 401 if it is not authentic, 413 if it is too long, and 503 only
    if it could not be stored: 360Hub then sends it again.
    """

    def __init__(
        self,
        hub: port.Hub,
        pool: Pool,
        queue: WorkQueue,
        keyring: Keyring,
        registrations: Registrations,
        endpoints: Endpoints,
        announcer: Announcer,
        *,
        committed: Callable[[UUID], None],
    ) -> None:
        self._hub = hub
        self._pool = pool
        self._queue = queue
        self._keyring = keyring
        self._registrations = registrations
        self._endpoints = endpoints
        self._announcer = announcer
        self._committed = committed

    async def receive(self, request: web.Request) -> web.Response:
        """Verify, store, answer."""
        body = await request.read()
        kept = headers_of(request, (*self._hub.signature_headers, "user-agent"))
        with storing():
            async with asyncio.timeout(_STORED_WITHIN_S):
                account_id, webhook_id = await self._authenticate(request, body)
                await self._store(account_id, webhook_id, kept, body)
        self._committed(account_id)
        return web.Response(status=204)

    async def _authenticate(self, request: web.Request, body: bytes) -> tuple[UUID, str]:
        account_id = _account_of(request)
        async with self._registrations.of(account_id):
            secrets = await self._keyring.webhook_secrets(account_id)
        try:
            webhook_id = self._hub.verify_webhook(request.headers, body, secrets, now_s=time.time())
        except port.NotAuthenticError as error:
            raise unauthentic(str(error), account_id=str(account_id)) from error
        return account_id, webhook_id

    async def _store(
        self, account_id: UUID, webhook_id: str, headers: dict[str, str], body: bytes
    ) -> None:
        # Several of our accounts may share one of 360Hub's: each gets the same event.
        inbox_id = f"{account_id}/{webhook_id}"
        try:
            await self._use(account_id, inbox_id, headers, body)
        except Exception as error:
            # The edge between what 360Hub sends and what we make of it: whatever it says is kept.
            if not is_about_its_content(error):
                raise
            log.exception("a webhook cannot be worked on", action="webhook_unusable")
            async with self._pool.acquire() as conn:
                await inbox.store(conn, inbox_id, headers, body, None)

    async def _use(
        self, account_id: UUID, inbox_id: str, headers: dict[str, str], body: bytes
    ) -> None:
        notice = self._hub.read_webhook(body)
        async with self._pool.acquire() as conn, conn.transaction():
            piece = await _meaning(conn, account_id, notice)
            is_ours = piece is not None or isinstance(notice, port.VerificationNotice)
            owner = account_id if is_ours else None
            if piece is not None and await erasure.is_erased(conn, account_id, piece.stream):
                body = inbox.ERASED  # the carrier's words in it may name a person
            if not await inbox.store(conn, inbox_id, headers, body, owner):
                await _keep_if_another(conn, inbox_id, headers, body)
                return
            await self._act(conn, account_id, notice, piece)

    async def _act(
        self,
        conn: Connection,
        account_id: UUID,
        notice: port.Notice,
        piece: NewWork | None,
    ) -> None:
        if piece is not None:
            await self._queue.enqueue(conn, piece)
        elif isinstance(notice, port.VerificationNotice):
            await self._verified(conn, account_id)
        else:
            log.warning(
                "an authentic webhook is kept unclaimed",
                action="webhook_unclaimed",
                account_id=str(account_id),
                about=type(notice).__name__,
                event_type=getattr(notice, "event_type", None),
            )

    async def _verified(self, conn: Connection, account_id: UUID) -> None:
        """360Hub reached us with a secret of this account's: from now on it is connected."""
        hub_account_id = await self._endpoints.note_verified(conn, account_id)
        if hub_account_id is not None:
            await self._announcer.connected(conn, account_id, hub_account_id, self._hub.lacks)


async def _keep_if_another(
    conn: Connection, inbox_id: str, headers: dict[str, str], body: bytes
) -> None:
    """Keep an event that came before with another body, as evidence; it is not worked on again."""
    if await inbox.is_stored(conn, inbox_id, body):
        return
    digest = hashlib.sha256(body).hexdigest()[:16]
    if await inbox.store(conn, f"{inbox_id}#{digest}", headers, body, None):
        log.warning(
            "an event came again with another body, which is kept unclaimed",
            action="webhook_differs",
            webhook_id=inbox_id,
        )


async def _meaning(conn: Connection, account_id: UUID, notice: port.Notice) -> NewWork | None:
    """Return the work that the notice gives, or None if it is about nothing of ours."""
    match notice:
        case port.OrderNotice():
            shipment = await shipments.find_shipment(conn, account_id, notice.reference)
            return tasks.order_event(account_id, shipment, notice.event) if shipment else None
        case port.ProductNotice():
            product = await products.find_product(conn, account_id, notice.reference)
            return tasks.product_event(account_id, product, notice.event) if product else None
        case port.ManifestNotice():
            return tasks.manifest_event(account_id, notice.event)
        case port.VerificationNotice() | port.UnrecognisedNotice():
            return None
        case never:
            assert_never(never)


def _account_of(request: web.Request) -> UUID:
    try:
        return UUID(request.match_info["account_id"])
    except ValueError as error:
        raise unauthentic("the address names no account") from error
