"""The product: what is known of it on both sides, and when it is sent."""

from collections.abc import Iterator, Mapping
from typing import Literal
from uuid import UUID

from services.sync_core.domain.account import AccountState, sending
from services.sync_core.domain.event import CommandKind, Decision, Event, commanded, decided
from services.sync_core.domain.order import OrderState
from shared.contracts import Frozen, commands
from shared.contracts import bling_gateway as bling
from shared.contracts import hub_gateway as hub
from shared.contracts import sync_core as core
from shared.contracts.references import product_reference


class ProductState(Frozen):
    """Everything that the rules know of one product.

    ``digest`` is of the content last read, ``sent_digest`` of the one last sent. A product is read
    and sent only because an order needs it (``wanted``).
    """

    product_id: int
    wanted: bool = False
    content_event: UUID | None = None
    digest: str | None = None
    parent_product_id: int | None = None
    version: int = 0
    sent_digest: str | None = None
    sending: (
        Literal["sent", "withheld", "imported", "stale", "refused", "parked", "discarded"] | None
    ) = None
    imported: bool = False
    missing: Literal["gone", "refused", "parked", "discarded"] | None = None
    approval: str | None = None
    approval_reason: str | None = None
    hub_sequence: int = 0

    @property
    def stream(self) -> str:
        """The stream whose fold this is."""
        return f"product-{self.product_id}"

    def ready(self, kind: CommandKind) -> bool:
        """Whether an order with it can be registered (``withheld``: could have been)."""
        return self.imported or (kind == "withheld" and self.sending == "withheld")


def evolve(product: ProductState, event: Event) -> ProductState:
    """Return the product after one event of its stream."""
    return product.model_copy(update=_change(product, event))


def _change(product: ProductState, event: Event) -> dict[str, object]:
    match event.data:
        case core.ReadProduct():
            return {"wanted": True, "missing": None}
        case bling.ProductObserved(deleted=True):
            return {"missing": "gone"}
        case bling.ProductObserved(content_digest=digest, content=content):
            return {
                "content_event": event.id,
                "digest": digest,
                "parent_product_id": content.parent_product_id,
                "missing": None,
            }
        case bling.ProductGone():
            return {"missing": "gone"}
        case core.ImportProduct(version=version, content_digest=digest):
            how = "withheld" if event.kind == "withheld" else "sent"
            return {"version": version, "sent_digest": digest, "sending": how}
        case hub.ProductImported() as answer:
            imported = {"imported": True, "missing": None, "sending": "imported"}
            return imported | _approval(product, answer.approval, answer.hub_sequence)
        case hub.ProductRefused(cause="stale", hub_version=known):
            return {"sending": "stale", "version": max(product.version, known or 0)}
        case hub.ProductRefused():
            return {"sending": "refused", "missing": "refused"}
        case hub.ProductApprovalChanged() as moved:
            return _approval(product, moved.approval, moved.hub_sequence)
        case commands.CommandParked():
            return {"sending": "parked", "missing": "parked"}
        case commands.CommandDiscarded() | core.CommandWithdrawn():
            return {"sending": "discarded", "missing": "discarded"}
    return {}


def _approval(product: ProductState, approval: hub.Approval, sequence: int) -> dict[str, object]:
    if sequence < product.hub_sequence:
        return {}
    return {
        "approval": approval.status,
        "approval_reason": approval.reason_code,
        "hub_sequence": sequence,
    }


def decide(
    product: ProductState,
    event: Event,
    account: AccountState,
    waiting_orders: Mapping[int, OrderState],
) -> Iterator[Decision]:
    """Conclude what follows from an event of the product's stream (already folded)."""
    match event.data:
        case bling.ProductObserved() | hub.ProductRefused(cause="stale"):
            for decision in import_if_due(product, account):
                yield decision
                if decision.kind == "withheld":
                    yield from _ready(product, waiting_orders)
        case hub.ProductImported(approval=approval):
            yield from _approval_moved(product, approval)
            yield from _ready(product, waiting_orders)
        case hub.ProductApprovalChanged(approval=approval, hub_sequence=sequence):
            if sequence == product.hub_sequence:
                yield from _approval_moved(product, approval)
        case core.ImportProduct() if event.kind == "withheld":
            yield from _ready(product, waiting_orders)
        case core.RetryRequested():
            yield read_again(product)
    yield from _missing(product, waiting_orders)


def import_if_due(product: ProductState, account: AccountState) -> Iterator[Decision]:
    """Send the product if an order needs it and 360Hub does not have it (or rejected it).

    Sending changed data puts the product back to review there, which would stop open orders: that
    waits for a new order (see :func:`import_for_new_order`).
    """
    unsent = product.sending not in ("sent", "imported")
    mended = product.approval == "rejected" and product.digest != product.sent_digest
    if product.wanted and not product.missing and (unsent or mended):
        yield from _import(product, account)


def import_for_new_order(product: ProductState, account: AccountState) -> Iterator[Decision]:
    """Send what changed since the product was sent last, because a new order needs it."""
    due = product.sending in ("stale", "withheld", None) or product.digest != product.sent_digest
    if product.digest is not None and due:
        yield from _import(product, account)


def read_again(product: ProductState) -> Decision:
    """Ask Bling for the product."""
    return commanded(product.stream, core.ReadProduct(product_id=product.product_id))


def _import(product: ProductState, account: AccountState) -> Iterator[Decision]:
    kind = sending(account.mode.to_hub)
    if kind is None or product.digest is None or product.content_event is None:
        return
    if kind == "withheld" and (product.sending, product.sent_digest) == (
        "withheld",
        product.digest,
    ):
        return  # said once already
    parent = product.parent_product_id
    data = core.ImportProduct(
        product_id=product.product_id,
        reference=product_reference(account.tag, product.product_id),
        version=product.version + 1,
        content_event=product.content_event,
        content_digest=product.digest,
        parent_reference=product_reference(account.tag, parent) if parent else None,
    )
    yield commanded(product.stream, data, kind=kind)


def _approval_moved(product: ProductState, approval: hub.Approval) -> Iterator[Decision]:
    moved = core.ProductApprovalMoved(
        product_id=product.product_id, status=approval.status, reason_code=approval.reason_code
    )
    yield decided(product.stream, moved)


def _ready(product: ProductState, orders: Mapping[int, OrderState]) -> Iterator[Decision]:
    data = core.OrderProductReady(product_id=product.product_id)
    for order in orders.values():
        yield decided(order.stream, data, about=str(product.product_id))


def _missing(product: ProductState, orders: Mapping[int, OrderState]) -> Iterator[Decision]:
    if product.missing is None or product.imported:
        return  # what 360Hub holds can be shipped, whatever became of it in Bling since
    data = core.OrderProductMissing(product_id=product.product_id, cause=product.missing)
    for order in orders.values():
        if product.product_id not in order.missing_products:
            yield decided(order.stream, data, about=str(product.product_id))
