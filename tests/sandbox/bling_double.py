"""What the tests of Bling's double share: a clock, a receiver of webhooks, a client."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import AnyHttpUrl

from sandbox.bling.app import build_app
from sandbox.bling.settings import Settings

CLIENT_ID = "app-of-the-test"
CLIENT_SECRET = "secret-of-the-test"
V3 = "/Api/v3"

EM_ABERTO, ATENDIDO, CANCELADO, EM_ANDAMENTO, VERIFICADO = 6, 9, 12, 15, 24


class TestClock:
    """A clock that moves only when told."""

    __test__ = False

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **span: float) -> None:
        """Move on."""
        self.now += timedelta(**span)


@dataclass
class Receiver:
    """Takes webhooks in; `answers` are given in turn, then 200."""

    events: list[dict[str, Any]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    secret: str = CLIENT_SECRET
    signatures_good: bool = True
    gather: int = 0
    """Nobody is answered before so many webhooks are here at the same time."""
    _here: int = 0
    _arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def take(self, request: web.Request) -> web.Response:
        """Check the signature on the raw bytes and keep the event."""
        raw = await request.read()
        digest = hmac.new(self.secret.encode(), raw, hashlib.sha256).hexdigest()
        if request.headers.get("X-Bling-Signature-256") != f"sha256={digest}":
            self.signatures_good = False
        await self._gathered()
        async with self._arrived:
            self.events.append(json.loads(raw))
            self._arrived.notify_all()
        return web.Response(status=self.answers.pop(0) if self.answers else 200)

    async def _gathered(self) -> None:
        async with self._arrived:
            self._here += 1
            self._arrived.notify_all()
            await self._arrived.wait_for(lambda: self._here >= self.gather)

    async def wait_for(self, count: int) -> list[dict[str, Any]]:
        """Wait until so many deliveries have arrived."""
        async with asyncio.timeout(5), self._arrived:
            await self._arrived.wait_for(lambda: len(self.events) >= count)
        return self.events

    @property
    def kinds(self) -> list[str]:
        """The events' names in the order of arrival."""
        return [event["event"] for event in self.events]


@dataclass
class Double:
    """The running double and everything around it."""

    http: aiohttp.ClientSession
    url: str
    clock: TestClock
    receiver: Receiver
    access_token: str = ""
    refresh_token: str = ""

    async def control(self, method: str, path: str, /, **body: Any) -> Any:
        """Use a control and return its answer."""
        async with self.http.request(method, f"/_sandbox/{path}", json=body) as answer:
            assert answer.status < 300, await answer.text()
            return await answer.json() if answer.status != 204 else None

    async def advance(self, **span: float) -> None:
        """Move the double's clock on; what is due on the way is delivered."""
        async with asyncio.timeout(30):
            await self.control("POST", "clock", advance_s=timedelta(**span).total_seconds())

    async def settled_webhooks(self) -> Any:
        """Wait until no webhook is under way any more, and list them all."""
        async with asyncio.timeout(5):
            while True:
                listed = await self.control("GET", "webhooks")
                if all(row["state"] != "pending" for row in listed["deliveries"]):
                    return listed
                await asyncio.sleep(0.01)

    async def api(
        self, method: str, path: str, *, json: Any = None, **query: Any
    ) -> tuple[int, Any]:
        """Call the API with the current token and return status and body."""
        headers = {"Authorization": f"Bearer {self.access_token}"}
        request = self.http.request(method, V3 + path, json=json, params=query, headers=headers)
        async with request as answer:
            return answer.status, await answer.json() if await answer.read() else None

    async def answers(self, token: str, **headers: str) -> int:
        """Call the API with a token and return the status."""
        headers = {"Authorization": f"Bearer {token}", **headers}
        async with self.http.get(f"{V3}/pedidos/vendas", headers=headers) as answer:
            return answer.status

    async def consent(self, *, company: str = "", decision: str = "authorize") -> dict[str, str]:
        """Answer the consent page and return the query that the app receives."""
        form = {"client_id": CLIENT_ID, "state": "s1", "decision": decision, "company": company}
        async with self.http.post(
            f"{V3}/oauth/authorize", data=form, allow_redirects=False
        ) as answer:
            assert answer.status == 302
            query = parse_qs(urlsplit(answer.headers["Location"]).query)
            return {name: values[0] for name, values in query.items()}

    async def token(
        self, *, jwt: bool = False, secret: str = CLIENT_SECRET, **form: str
    ) -> tuple[int, Any]:
        """Call the token endpoint."""
        async with self.http.post(
            f"{V3}/oauth/token",
            data=form,
            headers={**basic(secret), **({"enable-jwt": "1"} if jwt else {})},
        ) as answer:
            return answer.status, await answer.json()

    async def refreshed(self, *, jwt: bool = False) -> tuple[int, Any]:
        """Refresh, and keep the new pair if there is one."""
        status, tokens = await self.token(
            jwt=jwt, grant_type="refresh_token", refresh_token=self.refresh_token
        )
        if status == 200:
            self.access_token = tokens["access_token"]
            self.refresh_token = tokens["refresh_token"]
        return status, tokens

    async def connect(self, company: str = "") -> None:
        """Go through the authorisation and keep the tokens."""
        code = (await self.consent(company=company))["code"]
        status, tokens = await self.token(grant_type="authorization_code", code=code)
        assert status == 200
        self.access_token = tokens["access_token"]
        self.refresh_token = tokens["refresh_token"]


def basic(secret: str = CLIENT_SECRET) -> dict[str, str]:
    """Make the header with the app's credentials."""
    return {"Authorization": aiohttp.encode_basic_auth(CLIENT_ID, secret)}


@asynccontextmanager
async def running_double() -> AsyncIterator[Double]:
    """Run the double with a receiver for its webhooks."""
    receiver, clock = Receiver(), TestClock()
    async with _server(receiver.take) as webhook_url:
        settings = Settings(
            client_id=CLIENT_ID,
            client_secret=CLIENT_SECRET,
            redirect_url=AnyHttpUrl("http://127.0.0.1:1/callback"),
            webhook_url=AnyHttpUrl(webhook_url),
        )
        server = TestServer(build_app(settings, clock=clock))
        await server.start_server()
        try:
            async with aiohttp.ClientSession(server.make_url("/")) as http:
                yield Double(http, str(server.make_url("/")), clock, receiver)
        finally:
            await server.close()


@asynccontextmanager
async def _server(
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/hook", handler)
    server = TestServer(app)
    await server.start_server()
    try:
        yield str(server.make_url("/hook"))
    finally:
        await server.close()


async def fast_double() -> AsyncIterator[Double]:
    """Give a connected double whose limits do not get in a test's way (a fixture)."""
    async with running_double() as double:
        await double.control("POST", "limits", per_second=10_000, address_rules=False)
        await double.connect()
        yield double


async def strict_double() -> AsyncIterator[Double]:
    """Give a connected double with Bling's own limits (a fixture)."""
    async with running_double() as double:
        await double.connect()
        yield double
