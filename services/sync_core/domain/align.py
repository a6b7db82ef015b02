"""Align: the one rule by which 360Hub's progress reaches Bling."""

from collections.abc import Iterator

from services.sync_core.domain.account import AccountState
from services.sync_core.domain.context import Context
from services.sync_core.domain.event import Decision, Event, commanded, decided
from services.sync_core.domain.order import OrderState
from services.sync_core.domain.verdict import aligning, verdict
from shared.contracts import sync_core as core


def align(order: OrderState, event: Event, context: Context) -> Iterator[Decision]:
    """Write what 360Hub's status asks for, but never over what a person chose.

    What is written, and why not, is the `verdict`'s to say.
    """
    concluded, shipment = verdict(order, event, context), order.shipment
    if shipment is None or order.shown is None or concluded.target is None:
        return
    target, status = concluded.target, shipment.status
    if concluded.act == "agree":
        yield decided(order.stream, core.OrderAgreed(situation=target, status=status))
    elif concluded.act in ("write", "withhold"):
        data = core.SetSituation(
            order_id=order.order_id,
            shipment=shipment.number,
            target=target,
            expected=order.shown.id,
            status=status,
        )
        yield commanded(
            order.stream, data, kind="command" if concluded.act == "write" else "withheld"
        )


def can_apply_hub(order: OrderState, account: AccountState) -> bool:
    """Whether a person may choose 360Hub's side: both sides are alive."""
    return aligning(order, Context(account=account))
