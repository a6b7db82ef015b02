"""360Hub's events as facts. Pure.

What 360Hub says in words that we do not know is kept raw: never refused, never guessed.
"""

from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

import orjson
from pydantic import ValidationError

from services.hub_gateway import port
from services.hub_gateway.hub_api import wire
from services.hub_gateway.hub_api.translate import holds, label, occurrence
from shared.contracts import hub_gateway as facts

W = TypeVar("W", bound=wire.Wire)


def notice(body: bytes) -> port.Notice:
    """Return what a webhook is about. An order or product event without a sequence is unknown."""
    try:
        event = wire.Event.model_validate_json(body)
        orjson.dumps(event.data)
    except (ValidationError, orjson.JSONEncodeError):
        return port.UnrecognisedNotice(None)
    raw = event.model_dump(mode="json")
    reference = _reference_of(event)
    match event.type.partition("."):
        case "order", _, _ if reference and event.sequence:
            return port.OrderNotice(reference, raw)
        case "product", _, _ if reference and event.sequence:
            return port.ProductNotice(reference, raw)
        case "manifest", _, _ if manifest_event(event) is not None:
            return port.ManifestNotice(raw)
        case "endpoint", _, "verification":
            return port.VerificationNotice()
        case _:
            return port.UnrecognisedNotice(event.type)


def _reference_of(event: wire.Event) -> str | None:
    """Return the reference that the event is about, or None if it names none of our form."""
    found = _read(wire.Addressed, event)
    return None if found is None else found.external_ref


def order_event(event: wire.Event, shipment: int) -> port.OrderEvent | None:
    """Return the event as facts about the shipment, or None if it carries no sequence."""
    if event.sequence is None:
        return None
    translate = _ORDER_EVENTS.get(event.type, _unrecognised)
    told = _Told(event, shipment, event.sequence)
    return port.OrderEvent(event.id, event.sequence, translate(told), _caused_by(event))


def product_event(event: wire.Event) -> port.ProductEvent | None:
    """Return the event, with the approval if it tells one; None if it carries no sequence."""
    if event.sequence is None:
        return None
    return port.ProductEvent(
        event.id, event.sequence, _approval(event), event.timestamp, _caused_by(event)
    )


def _caused_by(event: wire.Event) -> UUID | None:
    return event.origin.request_id if event.origin else None


def _approval(event: wire.Event) -> facts.Approval | None:
    found = _read(wire.ApprovalChanged, event)
    if event.type != "product.approval_changed" or found is None:
        return None
    return facts.Approval(**found.model_dump())


def manifest_event(event: wire.Event) -> port.ManifestEvent | None:
    """Return the closed romaneio, or None if it is something else."""
    found = _read(wire.ManifestClosed, event)
    if event.type != "manifest.closed" or found is None:
        return None
    return port.ManifestEvent(
        event.id, found.manifest_id, found.number, found.orders, event.timestamp
    )


class _Told:
    """An event on its way to facts: its data, and what every fact of it carries."""

    def __init__(self, event: wire.Event, shipment: int, sequence: int) -> None:
        self.event = event
        self.common: dict[str, Any] = {
            "shipment": shipment,
            "hub_sequence": sequence,
            "happened_at": event.timestamp,
        }


Facts = tuple[facts.SequencedFact, ...]


def _created(told: _Told) -> Facts:
    found = _read(wire.OrderCreated, told.event)
    if found is None:
        return ()
    status = facts.OrderStatusChanged(status=found.status, **told.common)
    if not found.holds:
        return (status,)
    return (status, facts.OrderHoldChanged(holds=holds(found.holds), **told.common))


def _status_changed(told: _Told) -> Facts:
    found = _read(wire.StatusChanged, told.event)
    if found is None:
        return ()
    return (facts.OrderStatusChanged(**found.model_dump(), **told.common),)


def _content_updated(told: _Told) -> Facts:
    found = _read(wire.ContentUpdated, told.event)
    if found is None:
        return ()
    return (facts.OrderContentUpdated(version=found.source_version, **told.common),)


def _hold_changed(told: _Told) -> Facts:
    found = _read(wire.HoldChanged, told.event)
    if found is None:
        return ()
    return (facts.OrderHoldChanged(holds=holds(found.holds), **told.common),)


def _labels_updated(told: _Told) -> Facts:
    found = _read(wire.LabelsUpdated, told.event)
    if found is None:
        return ()
    labels = tuple(label(each) for each in found.labels)
    return (facts.OrderLabelsUpdated(labels=labels, **told.common),)


def _tracking_updated(told: _Told) -> Facts:
    found = _read(wire.TrackingUpdated, told.event)
    if found is None:
        return ()
    return (
        facts.OrderTrackingUpdated(
            scan=found.stage,
            volume=found.event.volume,
            carrier_code=found.event.carrier_raw_code,
            scanned_at=found.event.occurred_at,
            **told.common,
        ),
    )


def _occurrence_opened(told: _Told) -> Facts:
    found = _read(wire.OccurrenceMoved, told.event)
    if found is None:
        return ()
    return (facts.OrderOccurrenceOpened(occurrence=occurrence(found.occurrence), **told.common),)


def _occurrence_resolved(told: _Told) -> Facts:
    found = _read(wire.OccurrenceMoved, told.event)
    if found is None:
        return ()
    return (facts.OrderOccurrenceResolved(occurrence=occurrence(found.occurrence), **told.common),)


def _unrecognised(told: _Told) -> Facts:
    return (facts.OrderEventUnrecognised(raw_type=told.event.type, **told.common),)


_ORDER_EVENTS: dict[str, Callable[[_Told], Facts]] = {
    "order.created": _created,
    "order.status_changed": _status_changed,
    "order.content_updated": _content_updated,
    "order.hold_changed": _hold_changed,
    "order.labels_updated": _labels_updated,
    "order.tracking_updated": _tracking_updated,
    "order.occurrence_opened": _occurrence_opened,
    "order.occurrence_resolved": _occurrence_resolved,
}


def _read(model: type[W], event: wire.Event) -> W | None:
    """Read an event's data, or return None: the caller then asks 360Hub for the whole truth."""
    try:
        return model.model_validate(event.data)
    except ValidationError:
        return None
