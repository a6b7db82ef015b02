"""The rules of content: products first, then the order, each version once."""

from collections.abc import Iterator

from services.sync_core.domain.comparison import cancelled_in_bling, withdrawn
from services.sync_core.domain.context import Context
from services.sync_core.domain.event import Decision, Event, commanded, decided
from services.sync_core.domain.order import BEFORE_INTAKE, OrderState, Shipment
from services.sync_core.domain.photos import read_again
from services.sync_core.domain.product_rules import import_for_new_order
from shared.contracts import sync_core as core
from shared.contracts.references import product_reference


def ask_for_products(order: OrderState, event: Event, context: Context) -> Iterator[Decision]:
    """Read the products that 360Hub does not know, and send those that changed since.

    Sending what changed puts a product back to review, so an order that is registered already asks
    only for what 360Hub does not have.
    """
    registered = order.shipment is not None and order.shipment.registered
    if context.to_hub is None or not _sendable(order, context):
        return
    for product_id in order.waits_for:
        product = context.product(product_id)
        if product_id in order.missing_products or (registered and product.imported):
            continue
        if not product.wanted or product.missing:
            yield read_again(product)
        else:
            yield from import_for_new_order(product, context.account, event)


def register(order: OrderState, event: Event, context: Context) -> Iterator[Decision]:
    """Register an open shipment, or send its new content as the next version."""
    shipment, content, kind = order.shipment, order.content, context.to_hub
    if shipment is None or content is None or kind is None or not _sendable(order, context):
        return
    products = [context.product(product_id) for product_id in content.product_ids]
    if not all(product.ready(kind) for product in products):
        return
    declares = not content.documented and context.account.policies.content_declaration
    changed = shipment.content_digest != content.digest or _now_declared(shipment, declares)
    if not changed and not _again(shipment, event, live=kind == "command"):
        return
    version = shipment.version + 1
    tag = context.account.tag
    yield commanded(
        order.stream,
        core.RegisterOrder(
            order_id=order.order_id,
            shipment=shipment.number,
            reference=shipment.reference,
            version=version,
            content_event=content.event_id,
            content_digest=content.digest,
            product_references={
                known: product_reference(tag, known) for known in content.product_ids
            },
            declares_content=declares,
        ),
        kind=kind,
    )
    if shipment.registered and changed:
        news = core.OrderContentChanged(shipment=shipment.number, version=version)
        yield decided(order.stream, news)


def _now_declared(shipment: Shipment, declares: bool) -> bool:
    """Whether the declaration of content alone is new: 360Hub takes it until the intake.

    What was declared once is not taken back for its own sake.
    """
    return declares and not shipment.declares_content and shipment.status in BEFORE_INTAKE


def _sendable(order: OrderState, context: Context) -> bool:
    shipment = order.shipment
    if shipment is None or not shipment.open or order.content is None or order.problems:
        return False
    if order.gone or cancelled_in_bling(order, context.account):
        return False
    # A shipment that 360Hub was never told of does not begin while its order is taken back.
    return shipment.version > 0 or not withdrawn(order, context.account)


def _again(shipment: Shipment, event: Event, *, live: bool) -> bool:
    """Whether the same content is sent once more."""
    match shipment.registration:
        case "stale" | "unlocked":
            return True
        case "withheld":
            return live
        case "invalid" | "discarded" | "withdrawn":
            return isinstance(event.data, core.RetryRequested)
    return False
