"""The rules of a product: when it is read and sent, and what its orders are told."""

from collections.abc import Iterator, Mapping

from services.sync_core.domain.account import ACCOUNT, AccountState, sending
from services.sync_core.domain.event import Decision, Event, commanded, decided
from services.sync_core.domain.order import OrderState
from services.sync_core.domain.photos import give_up_parked, hand_over, read_again, wants_photos
from services.sync_core.domain.product import ProductState, evolve
from shared.contracts import bling_gateway as bling
from shared.contracts import hub_gateway as hub
from shared.contracts import sync_core as core
from shared.contracts.references import product_reference


def decide(
    product: ProductState,
    event: Event,
    account: AccountState,
    waiting_orders: Mapping[int, OrderState],
) -> Iterator[Decision]:
    """Conclude what follows from an event of the product's stream (already folded)."""
    now = event.recorded_at
    match event.data:
        case bling.ProductObserved():
            yield from _sent_if_due(product, account, waiting_orders)
            yield from hand_over(product, account, now, just_read=True)
        case hub.ProductRefused(cause="stale"):
            yield from _sent_if_due(product, account, waiting_orders)
        case hub.ProductImported(approval=approval):
            yield from _approval_moved(product, approval)
            yield from _ready(product, waiting_orders)
            yield from hand_over(product, account, now)
        case hub.ProductApprovalChanged(approval=approval, hub_sequence=sequence):
            if sequence == product.hub_sequence:
                yield from _approval_moved(product, approval)
                yield from hand_over(product, account, now)
        case hub.ProductPhotoRefused(cause="unsupported") if not account.photos_refused:
            yield decided(ACCOUNT, core.AccountPhotosRefused())
        case core.ImportProduct() if event.kind == "withheld":
            yield from _ready(product, waiting_orders)
        case core.RetryRequested():
            yield from give_up_parked(product)
            yield read_again(product)
        case core.ProductSendRequested():
            for given_up in give_up_parked(product):
                yield given_up
                product = evolve(product, given_up.as_event(event))
            if product.changed:
                yield from _import(product, account)
            yield from hand_over(product, account, now)
    yield from _missing(product, waiting_orders)


def can_retry(product: ProductState, account: AccountState) -> bool:
    """Whether something about the product failed that a person may want tried again."""
    photos = product.photos.values() if account.hands_photos_over else ()
    failed = any(photo.how in ("refused", "parked", "discarded") for photo in photos)
    return product.missing is not None or failed


def can_send_again(product: ProductState, account: AccountState) -> bool:
    """Whether there is anything that a person may want sent again."""
    if sending(account.mode.to_hub) is None:
        return False
    photos = wants_photos(product, account) and bool(product.images)
    return product.imported and not product.missing and (product.changed or photos)


def import_if_due(product: ProductState, account: AccountState) -> Iterator[Decision]:
    """Send the product if an order needs it and 360Hub does not have it (or rejected it).

    Sending changed data puts the product back to review there, which would stop open orders: that
    waits for a new order (see :func:`import_for_new_order`). Where 360Hub takes no changes, only
    a person has it tried again.
    """
    unsent = product.sending not in ("sent", "imported", "unsupported")
    mended = product.approval == "rejected" and product.changed
    due = unsent or (mended and product.sending != "unsupported")
    if product.wanted and not product.missing and due:
        yield from _import(product, account)


def import_for_new_order(
    product: ProductState, account: AccountState, event: Event
) -> Iterator[Decision]:
    """Send what changed since the product was sent last, because a new order needs it."""
    due = product.sending in ("stale", "withheld", None) or product.changed
    if product.digest is not None and due and product.sending != "unsupported":
        yield from _import(product, account)
    yield from hand_over(product, account, event.recorded_at)


def _sent_if_due(
    product: ProductState, account: AccountState, waiting_orders: Mapping[int, OrderState]
) -> Iterator[Decision]:
    for decision in import_if_due(product, account):
        yield decision
        if decision.kind == "withheld":
            yield from _ready(product, waiting_orders)


def _import(product: ProductState, account: AccountState) -> Iterator[Decision]:
    kind = sending(account.mode.to_hub)
    if kind is None or product.digest is None or product.content_event is None:
        return
    if kind == "withheld" and product.sending == "withheld" and not product.changed:
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
