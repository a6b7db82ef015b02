"""What deciding about an event looks at, assembled alike wherever the states are kept."""

from collections.abc import Mapping
from typing import Protocol

from services.sync_core.domain import (
    ACCOUNT,
    AccountState,
    Context,
    Decision,
    Event,
    OrderState,
    ProductState,
    State,
    decide,
    erased_subject,
    needed_products,
)


class Known(Protocol):
    """The states of one account, as they are when something is decided."""

    @property
    def account(self) -> AccountState:
        """What is in force in the account."""

    def state(self, stream: str) -> State:
        """Return a stream's state; without history, its empty one."""

    def waiting(self, product: ProductState) -> Mapping[int, OrderState]:
        """Return the orders that wait for the product's import."""

    def of_subject(self, subject: str) -> Mapping[int, OrderState]:
        """Return the orders whose personal data is this subject's."""


def products_looked_at(order: OrderState, event: Event) -> list[str]:
    """Name the streams of the products that deciding about an order's event looks at."""
    return [f"product-{product_id}" for product_id in needed_products(order, event)]


def looked_at(known: Known, event: Event) -> list[str]:
    """Name the streams that deciding about an event looks at: its own first, the account's last."""
    match known.state(event.stream):
        case OrderState() as order:
            return [event.stream, *products_looked_at(order, event), ACCOUNT]
        case AccountState() if subject := erased_subject(event):
            return [*(f"order-{order_id}" for order_id in known.of_subject(subject)), ACCOUNT]
    return [event.stream, ACCOUNT]


def conclusions(known: Known, event: Event) -> tuple[Decision, ...]:
    """Decide about an event that is folded already."""
    state = known.state(event.stream)
    return decide(state, event, _context(known, state, event))


def _context(known: Known, state: State, event: Event) -> Context:
    match state:
        case OrderState():
            products = [known.state(stream) for stream in products_looked_at(state, event)]
            found = {each.product_id: each for each in products if isinstance(each, ProductState)}
            return Context(account=known.account, products=found)
        case ProductState():
            return Context(account=known.account, waiting_orders=known.waiting(state))
        case AccountState() if subject := erased_subject(event):
            return Context(account=known.account, subject_orders=known.of_subject(subject))
    return Context(account=known.account)
