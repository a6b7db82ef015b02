"""The rule of cancellation: once for each shipment, and over everything else."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from services.sync_core.domain.account import ACCOUNT, GONE_LIMIT
from services.sync_core.domain.comparison import cancelled_in_bling
from services.sync_core.domain.context import Context
from services.sync_core.domain.event import CommandKind, Decision, Event, commanded, decided
from services.sync_core.domain.order import FINISHED, OrderState, Shipment
from shared.contracts import bling_gateway as bling
from shared.contracts import hub_gateway as hub
from shared.contracts import sync_core as core

RECHECK_AFTER: Final = timedelta(minutes=10)
"""How long a register of unknown result may still arrive after 360Hub said *not found*."""


def count_gone(order: OrderState, event: Event, context: Context) -> Iterator[Decision]:
    """Count a vanished order against its account, and hold it if too many vanish at once."""
    account = context.account
    if isinstance(event.data, bling.OrderGone) and order.gone == "gone":
        told = core.AccountOrderGone(order_id=order.order_id)
        yield decided(ACCOUNT, told, about=order.stream)
        others = account.gone_within_the_hour(event.recorded_at, but=order.order_id)
        if others >= GONE_LIMIT:
            yield decided(order.stream, core.OrderGoneHeld(gone_within_the_hour=others + 1))
    elif _was_held(order) and order.gone != "held" and "orders_gone" in account.reasons:
        yield decided(ACCOUNT, core.AccountReasonCleared(code="orders_gone"), about=order.stream)


def _was_held(order: OrderState) -> bool:
    """Whether the order was held as gone until this event: its reason is not cleared yet."""
    return order.reasons.get("held") == ("orders_gone",)


def cancel(order: OrderState, event: Event, context: Context) -> Iterator[Decision]:
    """Cancel the open shipment of an order that Bling cancelled.

    Once cancelled it stays so, even if Bling re-opens the order: what 360Hub did not find is
    looked for again, and what a person gave up is cancelled only because a person asks.
    """
    shipment, kind = order.shipment, context.to_hub
    if shipment is None or kind is None:
        return
    if shipment.status in FINISHED or shipment.status == "cancelled":
        return  # recorded only
    if shipment.cancellation == "not_found":
        if _may_have_arrived(order, event):
            yield _cancel(order, shipment, kind)
        return
    if shipment.cancellation == "discarded":
        if isinstance(event.data, core.RetryRequested) and kind == "command":
            yield _cancel(order, shipment, kind)
        return
    if not cancelled_in_bling(order, context.account):
        return
    if not (shipment.told or shipment.registered):
        if not shipment.closed:
            over = core.OrderCancelled(shipment=shipment.number, by="bling", at_hub=False)
            yield decided(order.stream, over)
    elif shipment.cancellation is None or _withheld_until_now(shipment, kind):
        yield _cancel(order, shipment, kind)


def _may_have_arrived(order: OrderState, event: Event) -> bool:
    """Whether a register of unknown result shows itself at 360Hub, or had time to arrive."""
    recheck = order.deadlines.get("cancel_recheck")
    had_time = recheck is not None and recheck.passed
    return had_time or isinstance(event.data, hub.OrderStatusChanged)


def _withheld_until_now(shipment: Shipment, kind: CommandKind) -> bool:
    return shipment.cancellation == "withheld" and kind == "command"


def _cancel(order: OrderState, shipment: Shipment, kind: CommandKind) -> Decision:
    data = core.CancelOrder(
        order_id=order.order_id,
        shipment=shipment.number,
        reference=shipment.reference,
        version=shipment.version + 1,
        reason_code="deleted_in_erp" if order.gone else "cancelled_in_erp",
    )
    return commanded(order.stream, data, kind=kind)


def announce(order: OrderState, event: Event, context: Context) -> Iterator[Decision]:
    """Say once that the shipment is over, and who ended it."""
    shipment = order.shipment
    if shipment is None or shipment.closed or not shipment.cancelled_at_hub:
        return
    by = "bling" if shipment.cancellation else "hub"
    yield decided(order.stream, core.OrderCancelled(shipment=shipment.number, by=by, at_hub=True))
