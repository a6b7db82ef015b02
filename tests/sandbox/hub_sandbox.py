"""Drives the double of 360Hub from outside, over HTTP, as a gateway and as the hub's people."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from sandbox.hub.app import build_app
from sandbox.hub.settings import Settings

Json = dict[str, Any]
NFE = {"kind": "nfe", "access_key": "35260300000000000000550010000104821000104829"}
VOLUME = {"volume": 1, "weight_g": 600, "length_mm": 300, "width_mm": 200, "height_mm": 80}
REF = "bling-7k2p-20418877301"
PRODUCT = "bling-15990001"
_keys = itertools.count(1)


@dataclass(frozen=True)
class Answer:
    status: int
    body: Json
    headers: Mapping[str, str]

    @property
    def code(self) -> str:
        return str(self.body["code"])


def order_body(version: int = 1, **changes: Any) -> Json:
    """A whole order, ready to ship but for the approval of its product."""
    body: Json = {
        "source": "bling",
        "source_version": version,
        "number": "10482",
        "placed_at": "2026-03-10T14:02:11Z",
        "recipient": {
            "name": "Cliente de Teste",
            "document": "00000000191",
            "address": {
                "postal_code": "01310100",
                "street": "Avenida Exemplo",
                "number": "1000",
                "district": "Bela Vista",
                "city": "São Paulo",
                "state": "SP",
            },
        },
        "items": [
            {
                "line_ref": "1",
                "product_ref": PRODUCT,
                "sku": "CAM-AZ-P",
                "name": "Camiseta azul P",
                "quantity": 2,
                "unit_price": "49.90",
            }
        ],
        "totals": {"items": "99.80", "shipping": "18.50", "discount": "0.00", "total": "118.30"},
        "fiscal_document": NFE,
        "volumes": [VOLUME],
    }
    return {**body, **changes}


def product_body(version: int = 1, **changes: Any) -> Json:
    body: Json = {
        "source": "bling",
        "source_version": version,
        "sku": "CAM-AZ-P",
        "name": "Camiseta azul P",
        "price": "49.90",
        "weight_g": 250,
    }
    return {**body, **changes}


@dataclass
class Hub:
    """One account at the double: its API calls and its controls."""

    http: aiohttp.ClientSession
    url: str
    account_id: str
    client_id: str
    client_secret: str
    token: str = ""

    async def request_token(self, secret: str | None = None, scope: str = "") -> Answer:
        auth = aiohttp.encode_basic_auth(self.client_id, secret or self.client_secret)
        form = {"grant_type": "client_credentials", "scope": scope}
        headers = {"Authorization": auth}
        return await self._send("POST", "/oauth/token", headers=headers, data=form)

    async def log_in(self, scope: str = "") -> None:
        self.token = (await self.request_token(scope=scope)).body["access_token"]

    async def get(self, path: str) -> Answer:
        return await self.call("GET", path)

    async def put(self, path: str, body: Json) -> Answer:
        return await self.call("PUT", path, body)

    async def post(self, path: str, body: Json, key: str | None = None) -> Answer:
        return await self.call("POST", path, body, key=key or f"test-key-{next(_keys)}")

    async def call(
        self, method: str, path: str, body: Json | None = None, key: str | None = None
    ) -> Answer:
        headers = {"Authorization": f"Bearer {self.token}"}
        if key is not None:
            headers["Idempotency-Key"] = key
        return await self._send(method, f"/v1{path}", json=body, headers=headers)

    async def control(self, path: str, body: Json | None = None, method: str = "POST") -> Answer:
        url = f"/_sandbox{path}"
        query = {"account": self.account_id}
        if path in ("/accounts", "/clock", "/reset"):
            query = {}
        return await self._send(method, url, json=body, params=query)

    async def _send(self, method: str, path: str, **options: Any) -> Answer:
        async with self.http.request(method, f"{self.url}{path}", **options) as response:
            body = await response.json(content_type=None) if response.status != 204 else {}
            return Answer(response.status, body, response.headers)

    async def order(self, ref: str = REF) -> Json:
        """Everything that the double knows of an order."""
        return (await self.control(f"/orders/{ref}", method="GET")).body

    async def import_product(self, ref: str = PRODUCT) -> None:
        await self.put(f"/products/{ref}", product_body())

    async def approve_product(self, ref: str = PRODUCT) -> None:
        await self.control(f"/products/{ref}/photos", {"count": 1})
        await self.control(f"/products/{ref}/review", {"decision": "approve"})

    async def register(self, ref: str = REF, **changes: Any) -> Answer:
        """Register an order whose product is imported and approved."""
        await self.import_product()
        await self.approve_product()
        return await self.put(f"/orders/{ref}", order_body(**changes))

    async def manifest(self, *refs: str) -> str:
        answer = await self.control("/manifests", {"orders": list(refs or (REF,))})
        return str(answer.body["manifest_id"])

    async def labels(self, ref: str = REF) -> Answer:
        return await self.control(f"/orders/{ref}/labels", {})

    async def scan(self, stage: str, ref: str = REF, **more: Any) -> Answer:
        return await self.control(f"/orders/{ref}/carrier-scan", {"stage": stage, **more})

    async def fault(self, name: str, **more: Any) -> None:
        assert (await self.control("/faults", {"fault": name, **more})).status == 201

    async def bring_to(self, status: str) -> None:
        """Register an order and lead it to a status on the shortest legal way."""
        await self.register()
        for step in _WAYS[status]:
            match step:
                case "manifest":
                    await self.manifest()
                case "labels":
                    await self.labels()
                case "cancel":
                    await self.control(f"/orders/{REF}/cancel", {})
                case stage:
                    await self.scan(stage)
        assert (await self.get(f"/orders/{REF}")).body["status"] == status


_READY = ("manifest", "labels")
_WAYS: dict[str, tuple[str, ...]] = {
    "order_created": (),
    "in_manifest": ("manifest",),
    "awaiting_dispatch": _READY,
    "with_carrier": (*_READY, "accepted"),
    "delivered": (*_READY, "accepted", "delivered"),
    "returning_to_sender": (*_READY, "accepted", "returning"),
    "returned_to_sender": (*_READY, "accepted", "returning", "returned"),
    "lost": (*_READY, "accepted", "lost"),
    "cancelled": ("cancel",),
}


@asynccontextmanager
async def running_hub() -> AsyncIterator[Hub]:
    """Start a double of its own, with allowances that tests do not notice, and log in."""
    async with TestServer(build_app(Settings())) as server, aiohttp.ClientSession() as http:
        settings = Settings()
        url = str(server.make_url("")).rstrip("/")
        async with http.get(f"{url}/_sandbox/accounts") as response:
            account_id = (await response.json())["accounts"][0]["account_id"]
        hub = Hub(http, url, account_id, settings.client_id, settings.client_secret)
        await hub.control("/limits", {"per_minute": 60_000, "burst": 1000})
        await hub.log_in()
        yield hub


@dataclass(frozen=True)
class Received:
    headers: Mapping[str, str]
    raw: bytes
    body: Json


@dataclass
class Receiver:
    """A webhook receiver that remembers all it gets and answers as it is told."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    """Statuses for the next deliveries; 200 when none is left."""
    headers: dict[str, str] = field(default_factory=dict)
    _arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def take(self, request: web.Request) -> web.Response:
        raw = await request.read()
        async with self._arrived:
            self.received.append(Received(request.headers, raw, await request.json()))
            self._arrived.notify_all()
        status = self.answers.pop(0) if self.answers else 200
        return web.Response(status=status, headers=self.headers)

    async def until(self, condition: Callable[[list[Received]], bool]) -> list[Received]:
        async with asyncio.timeout(10), self._arrived:
            await self._arrived.wait_for(lambda: condition(self.received))
        return self.received

    async def count(self, number: int) -> list[Received]:
        return await self.until(lambda received: len(received) >= number)

    @property
    def types(self) -> list[str]:
        return [one.body["type"] for one in self.received]


@asynccontextmanager
async def running_receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/hooks", receiver.take)
    async with TestServer(app) as server:
        receiver.url = str(server.make_url("/hooks"))
        yield receiver


async def subscribe(hub: Hub, receiver: Receiver, *event_types: str) -> Json:
    """Register the receiver, wait until it is verified, and forget the verification."""
    wanted = list(event_types or ("order.*", "product.*", "manifest.*"))
    body = {"url": receiver.url, "event_types": wanted}
    created = (await hub.post("/webhook-endpoints", body)).body
    await receiver.count(1)
    await eventually(hub, created["endpoint_id"], "active")
    receiver.received.clear()
    return created


async def eventually(hub: Hub, endpoint_id: str, status: str) -> None:
    """Wait until an endpoint has a status: the double learns of an answer after we gave it."""
    async with asyncio.timeout(10):
        # The condition is behind HTTP: there is no event to wait for.
        while await _endpoint_status(hub, endpoint_id) != status:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def _endpoint_status(hub: Hub, endpoint_id: str) -> str:
    return str((await hub.get(f"/webhook-endpoints/{endpoint_id}")).body["status"])
