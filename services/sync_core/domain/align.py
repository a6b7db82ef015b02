"""Align: the one rule by which 360Hub's progress reaches Bling."""

from collections.abc import Iterator

from services.sync_core.domain.account import AccountState
from services.sync_core.domain.comparison import cancelled_in_bling, passes_through, target_of
from services.sync_core.domain.context import Context
from services.sync_core.domain.event import Decision, Event, commanded, decided
from services.sync_core.domain.order import OrderState
from shared.contracts import sync_core as core


def align(order: OrderState, event: Event, context: Context) -> Iterator[Decision]:
    """Write what 360Hub's status asks for, but never over what a person chose.

    Bling is written only while it shows the last situação that both sides agreed on, or one that
    contradicts nobody. Both sides showing the same is an agreement, whoever came first: that ends
    echoes. Everything else is a conflict, and stays one until somebody moves.
    """
    mapping = context.account.mapping
    if mapping is None or order.pending or not aligning(order, context):
        return
    target = target_of(order, mapping)
    if target is None:
        return
    status = order.shipment.status if order.shipment else None
    if order.shown_id == target:
        if order.base != target or order.kept is not None:
            yield decided(order.stream, core.OrderAgreed(situation=target, status=status))
    elif _settled_for_hub(order, event) or _free_to_write(order, target, context):
        yield from _write(order, target, status, context)


def aligning(order: OrderState, context: Context) -> bool:
    """Whether a registered shipment is alive on both sides."""
    shipment = order.shipment
    if shipment is None or not shipment.registered or shipment.cancelled_at_hub or order.gone:
        return False
    if shipment.cancellation in ("sent", "parked", "not_found"):
        return False  # 360Hub is being told to cancel: its answer decides
    return not cancelled_in_bling(order, context.account)


def write_hub_cancellation(order: OrderState, event: Event, context: Context) -> Iterator[Decision]:
    """Cancel in Bling what 360Hub cancelled by itself, where the account wants that."""
    shipment, mapping = order.shipment, context.account.mapping
    if shipment is None or mapping is None or order.pending or order.gone:
        return
    if shipment.status != "cancelled" or shipment.cancellation is not None:
        return
    if context.account.policies.hub_cancellation != "write":
        return
    target = mapping.cancelled
    if cancelled_in_bling(order, context.account) or order.refused == target:
        return
    if order.shown_id == order.base or passes_through(order, context.account):
        yield from _write(order, target, shipment.status, context)


def can_apply_hub(order: OrderState, account: AccountState) -> bool:
    """Whether a person may choose 360Hub's side: both sides are alive."""
    return aligning(order, Context(account=account))


def _settled_for_hub(order: OrderState, event: Event) -> bool:
    """Whether a person chose 360Hub's side, having seen what Bling still shows."""
    match event.data:
        case core.OrderSettled(choice="apply_hub", seen=seen):
            return seen == order.shown_id
    return False


def _free_to_write(order: OrderState, target: int, context: Context) -> bool:
    if target == order.refused or order.kept == order.shown_id:
        return False
    # Over a pass-through situação only if 360Hub moved since both sides agreed: else Bling would
    # be contradicted over and over for a step that it has shown already.
    moved = order.base != target
    return order.shown_id == order.base or (passes_through(order, context.account) and moved)


def _write(
    order: OrderState, target: int, status: str | None, context: Context
) -> Iterator[Decision]:
    kind = context.to_bling
    if kind is None or order.shown_id is None or order.shipment is None:
        return
    if kind == "withheld" and order.withheld == target:
        return  # said once already
    data = core.SetSituation(
        order_id=order.order_id,
        shipment=order.shipment.number,
        target=target,
        expected=order.shown_id,
        status=status,
    )
    yield commanded(order.stream, data, kind=kind)
