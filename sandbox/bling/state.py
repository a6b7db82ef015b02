"""What the double remembers: companies and everything that belongs to one of them."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from random import Random
from typing import Any, Literal, get_args

Json = dict[str, Any]
Clock = Callable[[], datetime]
Author = Literal["seller", "api", "bling"]
Trigger = Literal["invoice", "checkout", "store"]
TRIGGERS: tuple[Trigger, ...] = get_args(Trigger)

# Brazil has kept no summer time since 2019; Bling's dates carry no zone and are read as Brasília's.
BRASILIA = timezone(timedelta(hours=-3))

_IDS_START = 20_000_000_000
_IDS_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
_IDS_PER_SECOND = 1000


def local(moment: datetime) -> str:
    """Write a moment as Bling does in its JSON: local time, a space, no zone."""
    return moment.astimezone(BRASILIA).strftime("%Y-%m-%d %H:%M:%S")


def utc(moment: datetime) -> str:
    """Write a moment as Bling's webhooks do: UTC, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def today(clock: Clock) -> date:
    """Tell the day in Brasília."""
    return clock().astimezone(BRASILIA).date()


class Ids:
    """Ids beyond 32 bits, unique over all companies.

    They start from the clock, so that a restarted double, which has forgotten everything, does not
    give an old id to a new order.
    """

    def __init__(self, clock: Clock) -> None:
        elapsed = int((clock() - _IDS_EPOCH).total_seconds())
        self._last = _IDS_START + elapsed * _IDS_PER_SECOND

    def take(self) -> int:
        """Return an id that was never returned before."""
        self._last += 1
        return self._last


@dataclass(frozen=True, slots=True)
class Situation:
    """A situação of sales orders; `valor` is the class that Bling's own rules go by."""

    id: int
    name: str
    valor: int
    inherited: int
    colour: str


@dataclass(frozen=True, slots=True)
class SituationChange:
    """One step of an order's history."""

    situation: Situation
    at: datetime
    by: Author


@dataclass(slots=True)
class Record:
    """A stored thing: the JSON that the API shows, and when it came about and last changed."""

    body: Json
    created_at: datetime
    changed_at: datetime

    @property
    def id(self) -> int:
        """The record's Bling id."""
        return int(self.body["id"])


@dataclass(slots=True)
class Order(Record):
    """A sales order with its history; it is kept, marked, when it is deleted."""

    history: list[SituationChange] = field(default_factory=list)
    versions: list[tuple[datetime, Json]] = field(default_factory=list)
    """What the order looked like from each change on, for readings that lag behind."""
    deleted: bool = False
    stock_posted: bool = False
    receivables_posted: bool = False
    numbers_as_text: bool = False
    """Show the numbers of this order as strings."""

    def keep_version(self) -> None:
        """Remember what the order looks like since its last change."""
        self.versions.append((self.changed_at, copy.deepcopy(self.body)))

    def as_of(self, moment: datetime) -> Json:
        """Tell what the order looked like at a moment; before its time, at its first."""
        if self.changed_at <= moment:
            return self.body
        past = [body for at, body in self.versions if at <= moment]
        return past[-1] if past else self.versions[0][1]


@dataclass(slots=True)
class Invoice(Record):
    """An NF-e, or the smaller NFC-e for consumers."""

    consumer: bool = False


@dataclass(frozen=True, slots=True)
class StockMove:
    """A physical movement: `S` takes goods out for an order, `E` brings them back."""

    product_id: int
    order_id: int
    operation: Literal["S", "E"]
    quantity: float
    at: datetime


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One call of the API or of the token endpoint as it was answered.

    `company` is None where no token named one. `applied` tells whether a write took effect,
    whatever the answer said; `fault` names the fault that was played on the call.
    """

    at: datetime
    address: str
    company: str | None
    method: str
    path: str
    query: str
    grant_type: str | None
    status: int
    applied: bool
    fault: str | None


@dataclass(slots=True)
class WebhookRules:
    """How a company's webhooks are delivered; every field is set by a control."""

    retry_gaps_s: tuple[float, ...]
    enabled: bool = True
    duplicate: bool = False
    reverse: bool = False
    hold: bool = False
    drop: int = 0
    updates_per_save: int = 1


@dataclass(slots=True)
class RequestLimits:
    """How many requests a company may make (developer documentation, Limites)."""

    per_second: int = 3
    per_day: int = 120_000
    others_per_second: int = 0
    """What the seller's other apps take of every second."""
    others_per_day: int = 0
    """What the seller's other apps take of every day."""


@dataclass(slots=True)
class Company:
    """A Bling account and all that it holds."""

    id: str
    name: str
    cnpj: str
    email: str
    state: str
    contract_date: date
    random: Random
    webhooks: WebhookRules
    limits: RequestLimits = field(default_factory=RequestLimits)
    active: bool = True
    user_permitted: bool = True
    """Whether the user who authorised the app may still use Bling's modules."""
    automation: dict[Trigger, int] = field(default_factory=dict)
    """Which situação Bling itself gives an order when something happens to it."""
    situations: dict[int, Situation] = field(default_factory=dict)
    transitions: dict[int, Json] = field(default_factory=dict)
    channels: dict[int, Json] = field(default_factory=dict)
    payment_methods: dict[int, Json] = field(default_factory=dict)
    stock_moves: list[StockMove] = field(default_factory=list)
    deposit: int = 0
    """The id of the one place where the company keeps its stock."""
    logistics: dict[int, Json] = field(default_factory=dict)
    parcels: dict[int, Record] = field(default_factory=dict)
    """Logistics objects: what is, or is to be, handed to a carrier."""
    shipments: dict[int, Record] = field(default_factory=dict)
    """Remessas: parcels that are handed over together."""
    products: dict[int, Record] = field(default_factory=dict)
    products_made: int = 0
    contacts: dict[int, Record] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)
    orders_made: int = 0
    invoices: dict[int, Invoice] = field(default_factory=dict)

    def live_order(self, order_id: int) -> Order | None:
        """Find an order that was not deleted."""
        order = self.orders.get(order_id)
        return None if order is None or order.deleted else order

    def live_orders(self) -> list[Order]:
        """List the orders that were not deleted, oldest first."""
        return [order for order in self.orders.values() if not order.deleted]

    def situation_named(self, name: str) -> Situation | None:
        """Find a situação by its name, in whatever case."""
        wanted = name.casefold()
        return next((s for s in self.situations.values() if s.name.casefold() == wanted), None)
