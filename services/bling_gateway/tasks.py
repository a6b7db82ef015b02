"""The pieces of work that the gateway gives itself, and what each needs to know."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from shared.contracts import Frozen
from shared.gateway.values import NewWork, Priority, Supersedes, Work

READ_ORDER: Final = "read_order"
READ_PRODUCT: Final = "read_product"
LINK_INVOICE: Final = "link_invoice"
RECONCILE: Final = "reconcile"
FOLLOW_SITUATIONS: Final = "follow_situations"

ACCOUNT_STREAM: Final = "account"

# Bling raises `order.updated` when an NF-e is linked to its order; only if that was lost do we
# look for the order ourselves.
_LINK_PATIENCE: Final = timedelta(seconds=30)


class OrderToRead(Frozen):
    """An order to be read, unless what is published of it is newer than ``unless_read_since``.

    ``awaited`` is the situação that its newest webhook named, and that ``looks`` did not show yet.
    """

    order_id: int
    trigger: Literal["webhook", "command", "reconcile", "import"]
    unless_read_since: datetime | None = None
    awaited: int | None = None
    looks: int = 0


class ProductToRead(Frozen):
    product_id: int
    trigger: Literal["webhook", "command"]


class InvoiceToLink(Frozen):
    invoice_id: int
    contact_id: int
    situation: int | None


class Nothing(Frozen):
    """A piece of work that needs to be told nothing."""


def order_stream(order_id: int) -> str:
    """Name an order's stream."""
    return f"order-{order_id}"


def product_stream(product_id: int) -> str:
    """Name a product's stream."""
    return f"product-{product_id}"


def read_hinted_order(
    account_id: UUID, order_id: int, priority: Priority = Priority.STATUS
) -> NewWork:
    """Read an order that a webhook named."""
    payload = OrderToRead(order_id=order_id, trigger="webhook")
    return _read_order(account_id, payload, priority)


def look_again(work: Work, order_id: int, *, awaited: int, looks: int, at: datetime) -> NewWork:
    """Read an order later that does not show yet what its newest webhook named."""
    payload = OrderToRead(order_id=order_id, trigger="webhook", awaited=awaited, looks=looks)
    return replace(_read_order(work.account_id, payload, work.priority), not_before=at)


def read_differing_order(account_id: UUID, order_id: int, *, since: datetime) -> NewWork:
    """Read an order that reconciling found to differ."""
    payload = OrderToRead(order_id=order_id, trigger="reconcile", unless_read_since=since)
    return _read_order(account_id, payload, Priority.RECONCILE)


def read_imported_order(account_id: UUID, order_id: int, *, since: datetime) -> NewWork:
    """Read an order that an import found."""
    payload = OrderToRead(order_id=order_id, trigger="import", unless_read_since=since)
    return _read_order(account_id, payload, Priority.RECONCILE)


def read_hinted_product(account_id: UUID, product_id: int) -> NewWork:
    """Read a known product that a webhook named."""
    return NewWork(
        account_id=account_id,
        stream=product_stream(product_id),
        lane="inbound",
        kind=READ_PRODUCT,
        payload=ProductToRead(product_id=product_id, trigger="webhook"),
        priority=Priority.CATALOGUE,
        supersedes=Supersedes.SAME_KIND,
    )


def link_invoice(account_id: UUID, invoice: InvoiceToLink, *, now: datetime) -> NewWork:
    """Look later for the order of an NF-e that none is known to have."""
    return NewWork(
        account_id=account_id,
        stream=f"invoice-{invoice.invoice_id}",
        lane="inbound",
        kind=LINK_INVOICE,
        payload=invoice,
        priority=Priority.CONTENT,
        supersedes=Supersedes.SAME_KIND,
        not_before=now + _LINK_PATIENCE,
    )


def follow_situations(account_id: UUID) -> NewWork:
    """Read the account's situações again.

    In a stream of its own: who reads an order enqueues this while holding the order's stream, and
    comparing enqueues orders while holding the account's, which must not become a circle.
    """
    return NewWork(
        account_id=account_id,
        stream="situations",
        lane="inbound",
        kind=FOLLOW_SITUATIONS,
        payload=Nothing(),
        priority=Priority.CATALOGUE,
        supersedes=Supersedes.SAME_KIND,
    )


def reconcile(account_id: UUID) -> NewWork:
    """Compare the account with Bling."""
    return NewWork(
        account_id=account_id,
        stream=ACCOUNT_STREAM,
        lane="inbound",
        kind=RECONCILE,
        payload=Nothing(),
        priority=Priority.RECONCILE,
        supersedes=Supersedes.SAME_KIND,
    )


def _read_order(account_id: UUID, payload: OrderToRead, priority: Priority) -> NewWork:
    return NewWork(
        account_id=account_id,
        stream=order_stream(payload.order_id),
        lane="inbound",
        kind=READ_ORDER,
        payload=payload,
        priority=priority,
        supersedes=Supersedes.SAME_KIND,
    )
