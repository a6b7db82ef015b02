"""Everything the sandbox knows: accounts, and what belongs to each."""

import secrets
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from aiohttp import web

from sandbox.hub.changes import ChangeLog
from sandbox.hub.clock import Clock
from sandbox.hub.faults import Faults
from sandbox.hub.ids import new_id
from sandbox.hub.problems import ApiError, Json
from sandbox.hub.rate import Allowance
from sandbox.hub.records import Event, Manifest, Order, Product
from sandbox.hub.settings import Settings
from sandbox.hub.webhook_records import Delivery, Endpoint, WebhookControls

DEFAULT_ACCOUNT_ID = "acc_01JP9Z7H2R5V8C3K6N0QW4XTYB"
PLENTY = Decimal("1000000000.00")
_REQUESTS_KEPT = 200_000


class Postman(Protocol):
    """What sends webhooks."""

    def publish(self, account: "Account", event: Event) -> None: ...


@dataclass
class StoredAnswer:
    """The first answer to an idempotency key; `status` is None while the call runs."""

    fingerprint: str
    at: datetime
    status: int | None = None
    body: bytes = b""
    content_type: str = ""


@dataclass
class Token:
    account: "Account"
    scopes: frozenset[str]
    expires_at: datetime


@dataclass(kw_only=True)
class Account:
    """One seller at the hub; nothing in it is shared with another."""

    account_id: str
    name: str
    client_id: str
    secrets: list[str]
    """At most two, so that a secret can be rotated without a gap."""
    clock: Clock
    postman: Postman
    suspended: bool = False
    takes_photos: bool = False
    balance: Decimal = PLENTY
    orders: dict[str, Order] = field(default_factory=dict)
    orders_of_product: dict[str, set[str]] = field(default_factory=dict)
    products: dict[str, Product] = field(default_factory=dict)
    manifests: dict[str, Manifest] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    changes: ChangeLog = field(default_factory=ChangeLog)
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    deliveries: dict[str, Delivery] = field(default_factory=dict)
    webhooks: WebhookControls = field(default_factory=WebhookControls)
    faults: Faults = field(default_factory=Faults)
    allowance: Allowance = field(default_factory=lambda: Allowance(240, 20))
    token_allowance: Allowance = field(default_factory=lambda: Allowance(10, 10))
    answers: dict[str, StoredAnswer] = field(default_factory=dict)
    writing: set[str] = field(default_factory=set)
    """Addresses that a write is running on."""
    requests: deque[Json] = field(default_factory=lambda: deque(maxlen=_REQUESTS_KEPT))

    def order(self, ref: str) -> Order:
        if ref not in self.orders:
            raise ApiError("order-not-found")
        return self.orders[ref]

    def product(self, ref: str) -> Product:
        if ref not in self.products:
            raise ApiError("product-not-found")
        return self.products[ref]

    def manifest(self, manifest_id: str) -> Manifest:
        if manifest_id not in self.manifests:
            raise ApiError("manifest-not-found")
        return self.manifests[manifest_id]

    def orders_with_product(self, ref: str) -> Iterable[Order]:
        return [self.orders[order_ref] for order_ref in self.orders_of_product.get(ref, ())]


class Hub:
    """The whole hub: its accounts, their tokens, and the time."""

    def __init__(self, settings: Settings, clock: Clock, postman: Postman) -> None:
        self._settings = settings
        self._postman = postman
        self.clock = clock
        self.accounts: dict[str, Account] = {}
        self.tokens: dict[str, Token] = {}
        self.reset()

    def reset(self) -> None:
        """Forget everything; the default account begins anew with its own credentials."""
        self.clock.reset()
        self.accounts.clear()
        self.tokens.clear()
        self._open(
            account_id=DEFAULT_ACCOUNT_ID,
            name="Loja de desenvolvimento",
            client_id=self._settings.client_id,
            secret=self._settings.client_secret,
        )

    def open_account(self, name: str) -> Account:
        return self._open(
            account_id=new_id("acc"),
            name=name,
            client_id=f"hub-{secrets.token_hex(8)}",
            secret=secrets.token_urlsafe(32),
        )

    def _open(self, *, account_id: str, name: str, client_id: str, secret: str) -> Account:
        account = Account(
            account_id=account_id,
            name=name,
            client_id=client_id,
            secrets=[secret],
            clock=self.clock,
            postman=self._postman,
        )
        self.accounts[account_id] = account
        return account

    def account(self, account_id: str | None) -> Account:
        """Find an account; the first one when none is named."""
        if account_id is None:
            return next(iter(self.accounts.values()))
        if account_id not in self.accounts:
            raise ApiError("account-not-found")
        return self.accounts[account_id]

    def account_of_client(self, client_id: str) -> Account | None:
        return next((a for a in self.accounts.values() if a.client_id == client_id), None)


HUB = web.AppKey("hub", Hub)
ACCOUNT = web.RequestKey("account", Account)


def hub_of(request: web.Request) -> Hub:
    return request.config_dict[HUB]


def account_of(request: web.Request) -> Account:
    return request[ACCOUNT]
