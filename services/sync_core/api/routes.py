"""Every address of the API, in one table: what answers it, and what goes in and out."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import web
from pydantic import BaseModel

from services.sync_core.api import accounts, confirming, models, orders, products
from shared.contracts import sync_core as core

Handler = Callable[[web.Request], Awaitable[web.Response]]


@dataclass(frozen=True, slots=True)
class Query:
    """A parameter of the query string; none is required."""

    name: str
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One address. ``name`` is unique; ``acts``: it logs what a person does."""

    method: str
    path: str
    name: str
    meaning: str
    handler: Handler
    answers: type[BaseModel]
    takes: type[BaseModel] | None = None
    status: int = 200
    query: tuple[Query, ...] = ()
    acts: bool = False


_PAGED: Final = (
    Query("cursor", "Where the page before ended: its `next_cursor`"),
    Query("limit", "Entries on a page, 1 to 200"),
)
_ACCOUNT: Final = "/api/accounts/{account_id}"
_PRODUCT: Final = f"{_ACCOUNT}/products/{{product_id}}"
_ORDER: Final = "/api/orders/{order}"


def _choice(name: str, body: type[BaseModel]) -> Route:
    return Route(
        method="PUT",
        path=f"{_ACCOUNT}/{{choice:{name}}}",
        name=f"choose_{name.replace('-', '_')}",
        meaning=f"Change the account's {name}",
        handler=accounts.choose,
        takes=body,
        answers=models.Accepted,
        acts=True,
    )


def _account_action(
    name: str, meaning: str, handler: Handler, takes: type[BaseModel] | None = None
) -> Route:
    return Route(
        method="POST",
        path=f"{_ACCOUNT}/{name}",
        name=f"account_{name.replace('-', '_')}",
        meaning=meaning,
        handler=handler,
        takes=takes,
        answers=models.Accepted,
        acts=True,
    )


def _action(
    name: str, meaning: str, handler: Handler, takes: type[BaseModel] | None = None
) -> Route:
    return Route(
        method="POST",
        path=f"{_ORDER}/{name}",
        name=name.replace("-", "_"),
        meaning=meaning,
        handler=handler,
        takes=takes,
        answers=models.Accepted,
        acts=True,
    )


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="POST",
        path="/api/accounts",
        name="create_account",
        meaning="Make an account and make it known to both gateways",
        handler=accounts.create_account,
        takes=models.NewAccount,
        answers=models.CreatedAccount,
        status=201,
        acts=True,
    ),
    Route(
        method="GET",
        path="/api/accounts",
        name="list_accounts",
        meaning="List the accounts, the newest first",
        handler=accounts.list_accounts,
        answers=models.AccountPage,
        query=_PAGED,
    ),
    Route(
        method="GET",
        path=_ACCOUNT,
        name="show_account",
        meaning="Show an account, and all that its seller can choose from",
        handler=accounts.show_account,
        answers=models.AccountView,
    ),
    *(_choice(name, body) for name, body in accounts.CHOICES.items()),
    _account_action(
        "read-options",
        "Read stores, services and situações in Bling again",
        accounts.asking(core.EntryOptionsRequested()),
    ),
    _account_action(
        "import",
        "Look for orders that show the start situação already; none of them starts by itself",
        accounts.wishing(models.ImportBody),
        models.ImportBody,
    ),
    Route(
        method="POST",
        path=f"{_ACCOUNT}/confirm-starts",
        name="account_confirm_starts",
        meaning="Send many orders to 360Hub that waited for a person",
        handler=confirming.confirm_starts,
        takes=models.ConfirmStartsBody,
        answers=models.StartConfirmations,
        acts=True,
    ),
    _account_action(
        "pause",
        "Let the account's work wait on both sides",
        accounts.wishing(models.PauseBody),
        models.PauseBody,
    ),
    _account_action(
        "resume", "Let the account's work go on", accounts.asking(core.ResumeRequested())
    ),
    _account_action(
        "disconnect",
        "Give one side's authorisation back; the history is kept",
        accounts.wishing(models.DisconnectBody),
        models.DisconnectBody,
    ),
    _account_action(
        "retry", "Try again what failed for the account", accounts.asking(core.RetryRequested())
    ),
    Route(
        method="GET",
        path=f"{_ACCOUNT}/products",
        name="list_products",
        meaning="List an account's products, the newest first",
        handler=products.list_products,
        answers=models.ProductPage,
        query=(
            Query("approval", "Only with this approval, in 360Hub's word"),
            Query("waiting", "`true`: only those that an order waits for"),
            *_PAGED,
        ),
    ),
    Route(
        method="GET",
        path=_PRODUCT,
        name="show_product",
        meaning="Show a product, and the orders that wait for it",
        handler=products.show_product,
        answers=models.ProductView,
        query=_PAGED,
    ),
    Route(
        method="POST",
        path=f"{_PRODUCT}/retry",
        name="product_retry",
        meaning="Read a product again, and try again what failed of it",
        handler=products.retry,
        answers=models.Accepted,
        acts=True,
    ),
    Route(
        method="POST",
        path=f"{_PRODUCT}/send-again",
        name="product_send_again",
        meaning="Send what changed of a product to 360Hub, which reviews it again, and its photos",
        handler=products.send_again,
        answers=models.Accepted,
        acts=True,
    ),
    Route(
        method="GET",
        path="/api/orders",
        name="list_orders",
        meaning="List orders, the newest first",
        handler=orders.list_orders,
        answers=models.OrderPage,
        query=(
            Query("account", "Only this account's (its id)"),
            Query("stage", "Only in this stage"),
            Query("reason", "Only with this reason open"),
            *_PAGED,
        ),
    ),
    Route(
        method="GET",
        path=_ORDER,
        name="show_order",
        meaning="Show both sides of an order",
        handler=orders.show_order,
        answers=models.OrderView,
    ),
    Route(
        method="GET",
        path=f"{_ORDER}/timeline",
        name="show_timeline",
        meaning="Tell everything that happened to an order, oldest first",
        handler=orders.show_timeline,
        answers=models.TimelinePage,
        query=_PAGED,
    ),
    _action(
        "confirm-start",
        "Send an order to 360Hub that waited for a person",
        orders.confirming(core.StartConfirmed(), "confirm_start"),
    ),
    _action(
        "confirm-reopening",
        "Open the next shipment of a re-opened order",
        orders.confirming(core.ReopeningConfirmed(), "confirm_reopening"),
    ),
    _action("settle", "Decide which side of a conflict holds", orders.settle, models.SettleBody),
    _action(
        "confirm-gone",
        "Confirm that an order no longer exists in Bling",
        orders.confirming(core.GoneConfirmed(), "confirm_gone"),
    ),
    _action("retry", "Try again what failed", orders.retry),
    _action("discard", "Give up what is parked", orders.discard, models.DiscardBody),
)
