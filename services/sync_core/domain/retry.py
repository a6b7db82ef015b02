"""The rule of trying again: only because a person asks."""

from collections.abc import Iterator
from uuid import UUID

from services.sync_core.domain.context import Context
from services.sync_core.domain.event import Decision, Event, commanded
from services.sync_core.domain.order import OrderState
from shared.contracts import sync_core as core


def retry(order: OrderState, event: Event, context: Context) -> Iterator[Decision]:
    """Take up what is parked, and read the order again.

    A parked write of a situação is not taken up: Align decides anew, and the new write voids it.
    Nor is a parked reading: there is a new one.
    """
    if not isinstance(event.data, core.RetryRequested):
        return
    for command_id, command_type in order.parked.items():
        if command_type not in (core.SetSituation.TYPE, core.ReadOrder.TYPE):
            again = core.RetryWork(command_id=UUID(command_id))
            yield commanded(order.stream, again, about=command_id)
    yield commanded(order.stream, core.ReadOrder(order_id=order.order_id))
