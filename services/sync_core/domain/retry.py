"""The rules of trying again and of giving up: only because a person asks."""

from collections.abc import Iterator
from typing import Final
from uuid import UUID

from services.sync_core.domain.context import Context
from services.sync_core.domain.event import Decision, Event, commanded
from services.sync_core.domain.order import OrderState
from shared.contracts import sync_core as core

_DECIDED_ANEW: Final = frozenset(
    {core.SetSituation.TYPE, core.WriteTracking.TYPE, core.ReadOrder.TYPE}
)


def retry(order: OrderState, event: Event, context: Context) -> Iterator[Decision]:
    """Take up what is parked, and read the order again.

    A parked write to Bling is not taken up: the rules decide anew, and a new write voids it. Nor is
    a parked reading: there is a new one.
    """
    if not isinstance(event.data, core.RetryRequested):
        return
    for command_id, command_type in order.parked.items():
        if command_type not in _DECIDED_ANEW:
            again = core.RetryWork(command_id=UUID(command_id))
            yield commanded(order.stream, again, about=command_id)
    yield commanded(order.stream, core.ReadOrder(order_id=order.order_id))


def discard(order: OrderState, event: Event, context: Context) -> Iterator[Decision]:
    """Give up what is parked. The gateway's answer says that it is."""
    match event.data:
        case core.DiscardRequested(cause=cause):
            for command_id in order.parked:
                data = core.DiscardWork(command_id=UUID(command_id), cause=cause)
                yield commanded(order.stream, data, about=command_id)
