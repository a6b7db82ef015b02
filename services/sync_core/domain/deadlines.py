"""The rules of time: what is looked at again later. No rule ever reads a clock."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from services.sync_core.domain.cancel import RECHECK_AFTER
from services.sync_core.domain.comparison import withdrawn
from services.sync_core.domain.context import Context
from services.sync_core.domain.event import Decision, Event, decided
from services.sync_core.domain.order import OrderState
from services.sync_core.domain.volumes import behind
from shared.contracts import sync_core as core

WITHDRAWN_AFTER: Final = timedelta(minutes=2)
"""A seller who steps back by mistake has this long to step forward again unnoticed."""

BEHIND_AFTER: Final = timedelta(hours=48)
"""How long a volume may be behind another of its order, which the customer has already."""


def keep_deadlines(order: OrderState, event: Event, context: Context) -> Iterator[Decision]:
    """Set a deadline when its stay begins, and clear it when the stay ends."""
    shipment = order.shipment
    stays: dict[core.Deadline, tuple[bool, timedelta]] = {
        "withdrawn": (
            shipment is not None and shipment.open and withdrawn(order, context.account),
            WITHDRAWN_AFTER,
        ),
        "cancel_recheck": (
            shipment is not None
            and shipment.cancellation == "not_found"
            and not shipment.rechecked,
            RECHECK_AFTER,
        ),
        "volume_behind": (
            shipment is not None
            and shipment.status == "with_carrier"
            and behind(shipment.issued, shipment.scans) != (),
            BEHIND_AFTER,
        ),
    }
    for name, (stays_on, after) in stays.items():
        known = order.deadlines.get(name)
        if stays_on and known is None:
            due_at = event.recorded_at + after
            data = core.OrderDeadlineSet(deadline=name, due_at=due_at)
            yield decided(order.stream, data, about=name)
        elif known is not None and not stays_on:
            yield decided(order.stream, core.OrderDeadlineCleared(deadline=name), about=name)
