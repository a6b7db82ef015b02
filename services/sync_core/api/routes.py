"""Every address of the API, in one table: what answers it, and what goes in and out."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import web
from pydantic import BaseModel

from services.sync_core.api import (
    accounts,
    certificate,
    confirming,
    events,
    models,
    orders,
    products,
    subjects,
    verification,
)
from shared.contracts import sync_core as core

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Query:
    """A parameter of the query string."""

    name: str
    meaning: str
    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One address. ``name`` is unique; ``acts``: it logs what a person does.

    ``answers`` is the model of the JSON, or the media type of what is no JSON.
    """

    method: str
    path: str
    name: str
    meaning: str
    handler: Handler
    answers: type[BaseModel] | str
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
_SUBJECT: Final = f"{_ACCOUNT}/subjects/{{subject}}"
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
        path=_SUBJECT,
        name="show_subject",
        meaning="Show a person's orders and how an erasure stands, opening nothing",
        handler=subjects.show_subject,
        answers=models.SubjectStateView,
    ),
    Route(
        method="POST",
        path=f"{_SUBJECT}/erasure",
        name="erase_subject",
        meaning="Forget a person for ever, once no shipment under way needs their address",
        handler=subjects.erase,
        answers=models.Accepted,
        acts=True,
    ),
    Route(
        method="GET",
        path=f"{_ACCOUNT}/certificate",
        name="show_certificate",
        meaning="Show up to where every consumer of the log applied every event, each once",
        handler=certificate.show_certificate,
        answers=models.CertificateView,
    ),
    Route(
        method="GET",
        path="/api/verification",
        name="show_verification",
        meaning="Show the last checkpoint, and what the last proofs of all accounts came to",
        handler=verification.show_verification,
        answers=models.VerificationView,
    ),
    Route(
        method="GET",
        path=f"{_ACCOUNT}/verification",
        name="show_account_verification",
        meaning="Show what the last proof of an account's log found",
        handler=verification.show_account_verification,
        answers=models.AccountVerificationView,
    ),
    Route(
        method="GET",
        path=f"{_ACCOUNT}/events",
        name="list_events",
        meaning="Read the account's log on from a position, oldest first; nothing is missed",
        handler=events.list_events,
        answers=models.EventPage,
        query=(
            Query("after", "The last position that was read: the page before's `next_after`"),
            Query("limit", "Events on a page, 1 to 200"),
            Query("wait", "How many seconds to wait for an event if there is none yet, up to 30"),
            Query("digest", "The page before's `digest`, once all its events are applied"),
        ),
    ),
    Route(
        method="GET",
        path=f"{_ACCOUNT}/export",
        name="export_account",
        meaning="Download the account's history as a bundle that anyone can check offline",
        handler=events.export,
        answers=events.TAR_GZ,
        query=(
            Query("from", "From this time on, with its offset (RFC 3339)"),
            Query("to", "Until before this time"),
        ),
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
    Route(
        method="GET",
        path=f"{_ORDER}/as-of",
        name="show_order_as_of",
        meaning="Show an order as it stood at a time, and what has changed since",
        handler=orders.show_as_of,
        answers=models.AsOfView,
        query=(Query("at", "A time in ISO 8601; without a zone, Brasília's", required=True),),
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
