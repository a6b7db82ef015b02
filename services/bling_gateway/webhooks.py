"""What Bling calls: verified on the raw bytes, stored, answered; the work is done afterwards.

A refusal can end with the resource switched off for all sellers at once, so every authentic
webhook is stored and answered with 200 whatever it says. 401 is for a signature that does not
match, 413 for a body over the limit, 503 if storing failed. Bling signs no time: a webhook is
never refused for its age (developer documentation, Webhooks).
"""

import hashlib
import hmac
from collections.abc import Callable, Sequence
from typing import Final
from uuid import UUID

import structlog
from aiohttp import web
from pydantic import ValidationError

from services.bling_gateway import wire
from services.bling_gateway.hints import Hints
from services.bling_gateway.store import connections
from shared.gateway import inbox
from shared.gateway.store import Pool
from shared.gateway.webhooks import headers_of, is_about_its_content, storing, unauthentic

log = structlog.get_logger(__name__)

SIGNATURE_HEADER: Final = "X-Bling-Signature-256"

_KEPT_HEADERS: Final = ("Content-Type", "User-Agent", SIGNATURE_HEADER)


class Webhooks:
    """Answers ``POST /webhooks/bling``. During a change of the secret, two secrets are accepted."""

    def __init__(
        self, pool: Pool, hints: Hints, secrets: Sequence[str], *, committed: Callable[[UUID], None]
    ) -> None:
        self._pool = pool
        self._hints = hints
        self._secrets = [secret.encode() for secret in secrets]
        self._committed = committed

    async def receive(self, request: web.Request) -> web.Response:
        """Store an authentic webhook, and queue what it is a reason for."""
        body = await request.read()
        if not self._is_authentic(body, request.headers.get(SIGNATURE_HEADER, "")):
            raise unauthentic("no signature matches")
        with storing():
            await self._store(body, headers_of(request, _KEPT_HEADERS))
        return web.Response()

    def _is_authentic(self, body: bytes, header: str) -> bool:
        presented = header.encode(errors="surrogateescape")
        expected = [
            b"sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest().encode()
            for secret in self._secrets
        ]
        return any(hmac.compare_digest(presented, each) for each in expected)

    async def _store(self, body: bytes, headers: dict[str, str]) -> None:
        try:
            envelope = wire.Envelope.model_validate(wire.parse_json(body))
        except ValueError as error:
            await self._keep_unclaimed(f"body:{hashlib.sha256(body).hexdigest()}", headers, body)
            _alarm("webhook_unreadable", "a webhook is not what Bling documents", error)
            return
        async with self._pool.acquire() as conn:
            account_id = await connections.account_of_company(conn, envelope.companyId)
        if account_id is None:
            await self._keep_unclaimed(envelope.eventId, headers, body)
            _alarm("webhook_unclaimed", "a webhook is for a company that we do not know")
            return
        try:
            await self._use(account_id, envelope, headers, body)
        except Exception as error:
            # The edge between what Bling sends and what we make of it: whatever it says is kept.
            if not is_about_its_content(error):
                raise
            log.exception("a webhook cannot be worked on", action="webhook_unusable")
            await self._keep_unclaimed(envelope.eventId, headers, body)

    async def _use(
        self, account_id: UUID, envelope: wire.Envelope, headers: dict[str, str], body: bytes
    ) -> None:
        reaction = await self._hints.reaction_to(account_id, envelope)
        if reaction is None:
            await self._keep_unclaimed(envelope.eventId, headers, body)
            _alarm("webhook_unknown", "a webhook's event or shape is not known")
            return
        async with self._pool.acquire() as conn, conn.transaction():
            if await inbox.store(conn, envelope.eventId, headers, body, account_id):
                await reaction(conn)
        self._committed(account_id)

    async def _keep_unclaimed(self, webhook_id: str, headers: dict[str, str], body: bytes) -> None:
        async with self._pool.acquire() as conn, conn.transaction():
            await inbox.store(conn, webhook_id, headers, body, None)


def _alarm(action: str, sentence: str, error: Exception | None = None) -> None:
    fields = error.error_count() if isinstance(error, ValidationError) else None
    log.error(sentence, action=action, fields=fields)
