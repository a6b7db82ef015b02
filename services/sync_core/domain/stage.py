"""The stage of an order: our one word for where it stands."""

from collections.abc import Iterator
from typing import Final

from services.sync_core.domain.context import Context
from services.sync_core.domain.event import Decision, Event, decided
from services.sync_core.domain.order import OrderState
from shared.contracts import sync_core as core

STAGES: Final = {
    "order_created": "started",
    "in_manifest": "in_manifest",
    "awaiting_dispatch": "awaiting_pickup",
    "with_carrier": "in_transit",
    "delivered": "delivered",
    "cancelled": "cancelled",
    "returning_to_sender": "returning",
    "returned_to_sender": "returned",
    "lost": "lost",
}
"""360Hub's status → stage."""


def tell_stage(order: OrderState, event: Event, context: Context) -> Iterator[Decision]:
    """Say that the stage moved."""
    stage = stage_of(order)
    if order.shipment is not None and stage is not None and stage != order.stage:
        data = core.OrderStageChanged(
            shipment=order.shipment.number, previous=order.stage, stage=stage
        )
        yield decided(order.stream, data)


def stage_of(order: OrderState) -> str | None:
    """Return the stage; None before the start. A status that we do not know moves no stage."""
    shipment = order.shipment
    if shipment is None:
        return None
    if shipment.cancelled_at_hub:
        return "cancelled"
    if shipment.status is None:
        return "started"
    return STAGES.get(shipment.status, order.stage)
