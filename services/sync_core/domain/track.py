"""The rule of tracking: 360Hub's codes reach the order's volumes in Bling, where wanted."""

from collections.abc import Iterator
from typing import Final
from uuid import UUID

from services.sync_core.domain.context import Context
from services.sync_core.domain.event import Decision, Event, commanded
from services.sync_core.domain.order import OrderState, Shipment
from services.sync_core.domain.verdict import aligning
from shared.contracts import sync_core as core

_NOT_WANTED: Final = "o rastreio não é mais preciso no Bling"


def write_tracking(order: OrderState, event: Event, context: Context) -> Iterator[Decision]:
    """Write the codes that Bling was not asked to hold yet, one write at a time.

    Never for a shipment that is cancelled on either side, or is about to be.
    """
    shipment, kind = order.shipment, context.to_bling
    if shipment is None or kind is None or not tracking_wanted(order, context):
        return
    volumes = tracked_volumes(shipment)
    if not volumes or not _due(shipment, volumes, event, live=kind == "command"):
        return
    data = core.WriteTracking(order_id=order.order_id, shipment=shipment.number, volumes=volumes)
    yield commanded(order.stream, data, kind=kind)


def give_up_tracking(order: OrderState, event: Event, context: Context) -> Iterator[Decision]:
    """Give up a parked write that is not wanted any more: no reason would tell of it."""
    if tracking_wanted(order, context):
        return
    for command_id, command_type in order.parked.items():
        if command_type == core.WriteTracking.TYPE:
            data = core.DiscardWork(command_id=UUID(command_id), cause=_NOT_WANTED)
            yield commanded(order.stream, data, about=command_id)


def tracking_wanted(order: OrderState, context: Context) -> bool:
    """Whether the account wants tracking in Bling, and the shipment is alive on both sides."""
    return context.account.policies.tracking_to_bling and aligning(order, context)


def tracked_volumes(shipment: Shipment) -> tuple[core.TrackedVolume, ...]:
    """Return the volumes whose labels carry a code, in their order."""
    return tuple(
        core.TrackedVolume(volume=volume, tracking_code=label.tracking_code, carrier=label.carrier)
        for volume, label in sorted(shipment.labels.items())
        if label.tracking_code
    )


def _due(
    shipment: Shipment, volumes: tuple[core.TrackedVolume, ...], event: Event, *, live: bool
) -> bool:
    last = shipment.tracking
    if last is None:
        return True
    if last.how == "sent":
        return False  # its answer comes first
    # A label that was voided takes no code away: the volume's next label brings the next one.
    if not set(volumes) <= set(last.volumes):
        return True
    if last.how == "withheld":
        return live
    again = last.how in ("refused", "parked", "discarded")
    return again and isinstance(event.data, core.RetryRequested)
