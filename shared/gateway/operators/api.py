"""The same by HTTP: which accounts there are, how each stands, and pausing them."""

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, StringConstraints

from shared.gateway import accounts
from shared.gateway.operators.overview import overview, overviews
from shared.gateway.operators.side import Side
from shared.gateway.pausing import Pausing
from shared.gateway.store import Pool
from shared.web import ACTOR, Problem, body_of


class PauseBody(BaseModel):
    """Why the account's work is to wait."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class AccountsApi:
    """The handlers of ``/api/accounts`` that both gateways have."""

    def __init__(
        self, pool: Pool, side: Side, pausing: Pausing, *, committed: Callable[[UUID], None]
    ) -> None:
        self._pool = pool
        self._side = side
        self._pausing = pausing
        self._committed = committed

    async def list_accounts(self, _request: web.Request) -> web.Response:
        """List all accounts."""
        async with self._pool.acquire() as conn:
            seen = await overviews(conn, self._side)
        return json({"accounts": [each.shown() for each in seen]})

    async def pause(self, request: web.Request) -> web.Response:
        """Let an account's work wait; answer how it stands then."""
        account_id, body = account_of(request), await body_of(request, PauseBody)
        try:
            async with self._pool.acquire() as conn, conn.transaction():
                await self._pausing.pause(
                    conn, account_id, by=request[ACTOR], reason=body.reason, cause=None
                )
        except accounts.UnknownAccount:
            raise unknown() from None
        self._committed(account_id)
        return await self.shown(account_id)

    async def resume(self, request: web.Request) -> web.Response:
        """Let an account's work go on; answer how it stands then."""
        account_id = account_of(request)
        try:
            async with self._pool.acquire() as conn, conn.transaction():
                await self._pausing.resume(conn, account_id, by=request[ACTOR], cause=None)
        except accounts.UnknownAccount:
            raise unknown() from None
        self._committed(account_id)
        return await self.shown(account_id)

    async def shown(self, account_id: UUID, status: int = 200) -> web.Response:
        """Answer how an account stands."""
        async with self._pool.acquire() as conn:
            account = await accounts.find(conn, account_id)
            if account is None:
                raise unknown()
            seen = await overview(conn, self._side, account)
        return json(seen.shown(), status=status)


def add_account_routes(
    router: web.UrlDispatcher, api_of: Callable[[web.Request], AccountsApi]
) -> None:
    """Route to the handlers of the API that a request's application has by then."""

    async def list_accounts(request: web.Request) -> web.Response:
        return await api_of(request).list_accounts(request)

    async def pause(request: web.Request) -> web.Response:
        return await api_of(request).pause(request)

    async def resume(request: web.Request) -> web.Response:
        return await api_of(request).resume(request)

    router.add_get("/accounts", list_accounts)
    router.add_post("/accounts/{account_id}/pause", pause)
    router.add_post("/accounts/{account_id}/resume", resume)


def account_of(request: web.Request) -> UUID:
    """Return the account that the address names."""
    try:
        return UUID(request.match_info["account_id"])
    except ValueError:
        raise unknown() from None


def unknown() -> Problem:
    """Return the answer about an account that is not known."""
    return Problem(404, "account_unknown", "There is no such account")


def json(value: object, status: int = 200) -> web.Response:
    """Return a JSON answer."""
    return web.Response(body=orjson.dumps(value), status=status, content_type="application/json")
