"""An adapter at work: the hub behind it, the people who work there, and what it delivers.

Tests speak to the port, and to the people here. For another hub than the double, another
`World` is written; the tests stay as they are.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import orjson
from aiohttp import web
from aiohttp.test_utils import TestServer
from standardwebhooks import Webhook

from services.hub_gateway import port
from services.hub_gateway.hub_api.client import HubClient
from services.hub_gateway.port import Credentials, at_once
from shared.contracts.hub_gateway import Capability
from tests.hub_gateway.port.polling_hub import BodySigningHub, PollingHub, signature
from tests.hub_gateway.samples import PRODUCT, order_content, product_content
from tests.hub_gateway.sandbox import HubAccount
from tests.waiting import eventually

ACCOUNT = UUID(int=1)
ORDER = "bling-7k2p-20418877301"

Open = Callable[[aiohttp.ClientSession, str, port.CredentialSource, port.Pace], port.Hub]


@dataclass(frozen=True)
class Delivered:
    """A webhook as it came."""

    headers: dict[str, str]
    body: bytes


@dataclass
class Client:
    """The account's credentials, which may be replaced, and how often they were asked for."""

    current: Credentials
    times: int = 0

    async def credentials(self, account_id: UUID) -> Credentials:
        self.times += 1
        return self.current


@dataclass
class Receiver:
    """Where the hub delivers to."""

    url: str
    came: list[Delivered] = field(default_factory=list)
    refuses: bool = False


class Receivers:
    """A server with an address for each receiver: what came late for one disturbs no other."""

    def __init__(self) -> None:
        self.base_url = ""
        self._all: dict[str, Receiver] = {}

    def open(self) -> Receiver:
        name = uuid4().hex
        self._all[name] = Receiver(f"{self.base_url}/{name}")
        return self._all[name]

    async def take(self, request: web.Request) -> web.Response:
        receiver = self._all[request.match_info["name"]]
        receiver.came.append(Delivered(dict(request.headers), await request.read()))
        return web.Response(status=500 if receiver.refuses else 204)


Rewrite = Callable[[Delivered, list[str]], Delivered]
"""Turns what the double delivers into what the adapter's hub would, signed with the secrets."""


def as_it_came(came: Delivered, secrets: list[str]) -> Delivered:
    return came


def body_signed(came: Delivered, secrets: list[str]) -> Delivered:
    """Say only what changed, and when; sign the body alone."""
    event = orjson.loads(came.body)
    data, at = event["data"], event["recorded_at"]
    match event["type"].partition("."):
        case "order", _, _:
            told = {"order": data["external_ref"], "at": at, "what": event["type"]}
        case "product", _, _:
            told = {"product": data["external_ref"], "at": at}
        case "manifest", _, _:
            told = {
                "manifest": data["manifest_id"],
                "number": data["number"],
                "orders": data["orders"],
                "closed_at": event["timestamp"],
            }
        case _:
            told = {"hello": at}
    body = orjson.dumps(told)
    signatures = " ".join(signature(secret, body) for secret in secrets)
    return Delivered({"X-Hub-Signature": signatures}, body)


def a_minute_before(came: Delivered, secrets: list[str]) -> Delivered:
    """Sign as if it had been tried before: the time of an attempt is signed, too."""
    at = datetime.now(UTC) - timedelta(minutes=1)
    event_id = came.headers["webhook-id"]
    signature = Webhook(secrets[0]).sign(event_id, at, came.body.decode())
    headers = {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature,
    }
    return Delivered(headers, came.body)


@dataclass(frozen=True)
class Kind:
    """One of the adapters that the contract is asked of."""

    open: Open
    rewrite: Rewrite = as_it_came
    tried_before: Rewrite = as_it_came


KINDS = {
    "http": Kind(HubClient, tried_before=a_minute_before),
    "polling": Kind(PollingHub),
    "body_signing": Kind(BodySigningHub, body_signed),
}


@dataclass
class World:
    """One account at the hub, and an adapter that reaches it."""

    kind: Kind
    http: aiohttp.ClientSession
    people: HubAccount
    client: Client
    receiver: Receiver
    secrets: list[str] = field(default_factory=list)
    calls: int = 0
    """How often the adapter waited for its turn."""
    hub: port.Hub = field(init=False)

    def __post_init__(self) -> None:
        self.hub = self.opened()

    def opened(self, credentials: Credentials | None = None, url: str | None = None) -> port.Hub:
        """Open the adapter once more: with other credentials, or where somebody else answers."""
        client = Client(credentials) if credentials else self.client
        return self.kind.open(self.http, url or self.people.url, client, self._turn)

    def lacks(self, capability: Capability) -> bool:
        return capability in self.hub.lacks

    async def _turn(self, account_id: UUID) -> None:
        self.calls += 1
        await at_once(account_id)

    # --- what we do

    async def register(self, version: int = 1, **content: Any) -> port.RegisterOutcome:
        return await self.register_as(ORDER, version, **content)

    async def register_as(
        self, reference: str, version: int = 1, **content: Any
    ) -> port.RegisterOutcome:
        order = port.OrderToRegister(reference, version, order_content(**content), {7: PRODUCT})
        return await self.hub.register_order(ACCOUNT, order, uuid4())

    async def import_product(self, version: int = 1, **content: Any) -> port.ImportOutcome:
        return await self.import_as(PRODUCT, version, **content)

    async def import_as(
        self, reference: str, version: int = 1, **content: Any
    ) -> port.ImportOutcome:
        product = port.ProductToImport(reference, version, product_content(**content), None)
        return await self.hub.import_product(ACCOUNT, product, uuid4())

    def cancellation(self, version: int = 2) -> port.PreparedCall:
        wish = port.Cancellation(ORDER, version, "cancelled_in_erp", datetime.now(UTC))
        return self.hub.prepare_cancellation(wish, f"cancel-{uuid4()}")

    async def cancel(self, call: port.PreparedCall | None = None) -> port.CancelOutcome:
        call = call or self.cancellation()
        return await self.hub.cancel_order(ACCOUNT, ORDER, call, uuid4())

    def photo(self, position: int = 1) -> port.PreparedCall:
        photo = port.PhotoToAdd(PRODUCT, position, "https://fotos.example.com/camiseta.jpg")
        return self.hub.prepare_photo(photo, f"photo-{uuid4()}")

    async def add_photo(self, call: port.PreparedCall | None = None) -> port.PhotoOutcome:
        call = call or self.photo()
        return await self.hub.add_product_photo(ACCOUNT, PRODUCT, call, uuid4())

    async def registered(self, **content: Any) -> None:
        """Have an order there that nothing holds up."""
        await self.import_product()
        await self.people.approve(PRODUCT)
        outcome = await self.register(**content)
        assert isinstance(outcome, port.Registered)

    async def with_carrier(self) -> None:
        await self.registered()
        await self.people.to_labels(ORDER)
        await self.people.scan(ORDER, "accepted")

    async def seen(self) -> port.OrderSnapshot:
        """Return the order as the adapter reads it."""
        found = await self.hub.order(ACCOUNT, ORDER)
        assert isinstance(found, port.OrderSnapshot)
        return found

    # --- what became of it at the hub

    async def events(self, kind: str) -> list[dict[str, Any]]:
        """Return what happened to the order, by the hub's own records."""
        found = (await self.people.order(ORDER))["events"]
        return [event for event in found if event["type"] == kind]

    # --- webhooks

    def registration(self) -> port.PreparedCall:
        return self.hub.prepare_webhook(self.receiver.url, f"endpoint-{uuid4()}")

    def rotation(self) -> port.PreparedCall:
        return self.hub.prepare_rotation(f"rotate-{uuid4()}")

    async def subscribe(self) -> port.WebhookEndpoint:
        """Have events delivered to the receiver, and wait until the hub has verified it."""
        await self.people.control("/webhooks", retry_gaps_s=[])
        endpoint = await self.hub.register_webhook(ACCOUNT, self.registration())
        self.secrets.append(endpoint.secret)

        async def is_active() -> bool:
            return await self.hub.webhook_is_active(ACCOUNT, endpoint.endpoint_id)

        await eventually(is_active)
        return endpoint

    @property
    def delivered(self) -> list[Delivered]:
        """Everything that came, as the adapter's hub delivers it."""
        return [self.kind.rewrite(came, self.secrets) for came in self.receiver.came]

    def an_earlier_attempt(self, came: Delivered) -> Delivered:
        """Return the same event as an attempt before this one would have brought it."""
        return self.kind.tried_before(came, self.secrets)

    async def news(self, about: type[port.Notice], times: int = 1) -> Delivered:
        """Wait for webhooks of a kind; return the latest."""

        def found() -> list[Delivered]:
            return [
                each
                for each in self.delivered
                if isinstance(self.hub.read_webhook(each.body), about)
            ]

        await eventually(lambda: len(found()) >= times)
        return found()[-1]


@asynccontextmanager
async def receiving() -> AsyncIterator[Receivers]:
    receivers = Receivers()
    app = web.Application()
    app.router.add_post("/hooks/{name}", receivers.take)
    async with TestServer(app) as server:
        receivers.base_url = str(server.make_url("/hooks"))
        yield receivers


@dataclass
class Impostor:
    """Somebody in between who answers instead of the hub, but for the tokens."""

    answer: Callable[[], web.StreamResponse] = web.Response
    url: str = ""

    async def token(self, _request: web.Request) -> web.Response:
        token = {"access_token": "t", "expires_in": 3600, "account_id": "acc_1"}
        return web.json_response(token)

    async def anything(self, _request: web.Request) -> web.StreamResponse:
        return self.answer()


@asynccontextmanager
async def in_between() -> AsyncIterator[Impostor]:
    impostor = Impostor()
    app = web.Application()
    app.router.add_post("/oauth/token", impostor.token)
    app.router.add_route("*", "/{anything:.*}", impostor.anything)
    async with TestServer(app) as server:
        impostor.url = str(server.make_url("")).rstrip("/")
        yield impostor
