"""What the two sides of an order mean to each other, under the account's mapping."""

from services.sync_core.domain.account import AccountState
from services.sync_core.domain.order import (
    BEFORE_INTAKE,
    BEFORE_LABELS,
    CANCELLED_VALUE,
    OrderState,
)
from shared.contracts.account import Mapping


def cancelled_in_bling(order: OrderState, account: AccountState) -> bool:
    """Whether Bling's side is cancelled: by its situação, or because the order is gone."""
    if order.gone == "gone":
        return True
    if order.shown is None:
        return False
    chosen = account.mapping
    ids = (chosen.cancelled, *chosen.also_cancelled) if chosen else ()
    return order.shown.value == CANCELLED_VALUE or order.shown.id in ids


def target_of(order: OrderState, mapping: Mapping) -> int | None:
    """Return the situação that 360Hub's status asks for; None: nothing is to be written."""
    status = order.shipment.status if order.shipment else None
    if status in (None, "order_created"):
        return mapping.situations.get("order_created", mapping.start)
    return mapping.situations.get(status)


def unmapped(order: OrderState, mapping: Mapping) -> bool:
    """Whether the seller never said what 360Hub's status is to be in Bling."""
    status = order.shipment.status if order.shipment else None
    return status not in (None, "order_created", "cancelled") and status not in mapping.situations


def passes_through(order: OrderState, account: AccountState) -> bool:
    """Whether Bling shows a situação that contradicts nobody."""
    mapping = account.mapping
    if mapping is None:
        return False
    if order.shown_id in mapping.pass_through:
        return True
    return account.policies.delivered_by_hand == "pass_through" and shows_delivered(order, mapping)


def shows_delivered(order: OrderState, mapping: Mapping) -> bool:
    """Whether Bling shows the order as delivered before the carrier has taken it in."""
    delivered = mapping.situations.get("delivered")
    status = order.shipment.status if order.shipment else None
    return delivered is not None and order.shown_id == delivered and status in BEFORE_INTAKE


def withdrawn(order: OrderState, account: AccountState) -> bool:
    """Whether the seller took the order back, before labels, to where no shipping belongs.

    A situação that stands for a 360Hub status is no withdrawal: the seller ran ahead, or went
    back to start, and :func:`..align.align` deals with that.
    """
    mapping = account.mapping
    if mapping is None or order.shipment is None or order.shipment.status not in BEFORE_LABELS:
        return False
    if cancelled_in_bling(order, account) or passes_through(order, account):
        return False
    return order.shown_id not in {mapping.start, *mapping.situations.values()}


def in_entry(order: OrderState, account: AccountState) -> bool:
    """Whether Bling shows a situação in which an order may begin to be shipped."""
    mapping = account.mapping
    if mapping is None or order.gone or cancelled_in_bling(order, account):
        return False
    return order.shown_id == mapping.start or order.shown_id in mapping.pass_through
