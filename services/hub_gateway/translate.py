"""Between our contracts and 360Hub's JSON: pure functions, both ways.

What 360Hub says in words that we do not know is kept raw: never refused, never guessed.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Literal, TypeVar
from uuid import UUID

from pydantic import ValidationError

from services.hub_gateway import port, wire
from shared.contracts import derived_id
from shared.contracts import hub_gateway as facts
from shared.contracts.content import FiscalDocument, Item, OrderContent, Recipient, Volume
from shared.contracts.model import Contract

W = TypeVar("W", bound=wire.Wire)


class UntranslatableError(Exception):
    """The content lacks what 360Hub's contract asks for."""

    def __init__(self, error: facts.FieldError) -> None:
        super().__init__(f"{error.pointer}: {error.code}")
        self.error = error


# --- to 360Hub


def order_body(order: port.OrderToRegister) -> dict[str, Any]:
    """Return the body that registers the order.

    Raises `UntranslatableError` if an item's product has no reference at 360Hub.
    """
    content = order.content
    return {
        "source": "bling",
        "source_version": order.version,
        "placed_at": wire.rfc3339(content.placed_at),
        "items": [_item(order, index, item) for index, item in enumerate(content.items)],
        "totals": {
            "items": _money(content.totals.items),
            "shipping": _money(content.totals.shipping),
            "discount": _money(content.totals.discount),
            "total": _money(content.totals.total),
            "currency": "BRL",
        },
        "number": content.number,
        **_optional_parts(content),
    }


def _optional_parts(content: OrderContent) -> dict[str, Any]:
    return _without_none(
        store_order_number=content.store_order_number,
        recipient=_recipient(content.recipient),
        fiscal_document=_fiscal_document(content.fiscal_document),
        volumes=[_volume(volume) for volume in content.volumes] or None,
        service_hint=content.service_hint,
    )


def _item(order: port.OrderToRegister, index: int, item: Item) -> dict[str, Any]:
    reference = order.product_references.get(item.product_id)
    if reference is None:
        raise UntranslatableError(
            facts.FieldError(pointer=f"/items/{index}/product_ref", code="unknown-product")
        )
    return _without_none(
        line_ref=item.line,
        product_ref=reference,
        sku=item.sku,
        name=item.name,
        quantity=item.quantity,
        unit_price=_money(item.unit_price),
    )


def _recipient(recipient: Recipient | None) -> dict[str, Any] | None:
    if recipient is None:
        return None
    return recipient.model_dump(mode="json", exclude_none=True)


def _fiscal_document(document: FiscalDocument | None) -> dict[str, Any] | None:
    return None if document is None else document.model_dump(mode="json", exclude_none=True)


def _volume(volume: Volume) -> dict[str, Any]:
    return volume.model_dump(mode="json")


def cancel_body(cancellation: port.Cancellation) -> dict[str, Any]:
    """Return the body that cancels the order. The reason is what the hub's operator reads."""
    reasons = {
        "cancelled_in_erp": "Pedido cancelado no Bling",
        "deleted_in_erp": "Pedido excluído no Bling",
    }
    return {
        "source_version": cancellation.version,
        "reason_code": cancellation.reason_code,
        "reason": reasons[cancellation.reason_code],
        "requested_at": wire.rfc3339(cancellation.requested_at),
    }


def product_body(product: port.ProductToImport) -> dict[str, Any]:
    """Return the body that imports the product."""
    content = product.content
    return _without_none(
        source="bling",
        source_version=product.version,
        sku=content.sku,
        name=content.name,
        description=content.description,
        gtin=content.gtin,
        ncm=content.ncm,
        price=_money(content.price),
        weight_g=content.weight_g,
        length_mm=content.length_mm,
        width_mm=content.width_mm,
        height_mm=content.height_mm,
        parent_ref=product.parent_reference,
    )


def _money(amount: Decimal) -> str:
    return f"{amount:.2f}"


def _without_none(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


# --- answers


def registered(answer: wire.RegisterAnswer) -> port.Registered:
    """Return what the answer to a registration says."""
    return port.Registered(
        _write_outcome(answer.outcome), answer.hub_id, answer.sequence, holds(answer.holds)
    )


def imported(answer: wire.Product) -> port.Imported:
    """Return what the answer to an import says."""
    return port.Imported(_write_outcome(answer.outcome), answer.sequence, approval(answer.approval))


def cancelled(answer: wire.CancelAnswer) -> port.Cancelled:
    """Return what the answer to a cancellation says."""
    outcome: Literal["cancelled", "unchanged"] = (
        "unchanged" if answer.outcome == "unchanged" else "cancelled"
    )
    return port.Cancelled(outcome, answer.sequence)


def _write_outcome(word: str | None) -> Literal["created", "updated", "unchanged"]:
    match word:
        case "created" | "updated" | "unchanged":
            return word
        case _:  # it was taken, whatever 360Hub calls that
            return "updated"


def holds(found: tuple[wire.Hold, ...]) -> tuple[facts.Hold, ...]:
    """Return the holds in our words."""
    return tuple(facts.Hold(code=hold.code, product_references=hold.product_refs) for hold in found)


def approval(found: wire.Approval) -> facts.Approval:
    """Return the approval in our words."""
    return facts.Approval(status=found.status, reason_code=found.reason_code, reason=found.reason)


def order_snapshot(order: wire.Order) -> port.OrderSnapshot:
    """Return the order as read."""
    carrier = order.carrier.code if order.carrier else None
    labels = tuple(
        facts.Label(
            label_id=volume.label_id,
            volume=volume.volume,
            status="ready",
            tracking_code=volume.tracking_code,
            tracking_url=volume.tracking_url,
            carrier=carrier,
        )
        for volume in order.volumes
        if volume.label_id is not None
    )
    return port.OrderSnapshot(
        order.external_ref,
        order.sequence,
        order.status,
        order.status_changed_at,
        holds(order.holds),
        labels,
    )


def product_snapshot(product: wire.Product) -> port.ProductSnapshot:
    """Return the product as read."""
    return port.ProductSnapshot(
        product.external_ref,
        product.sequence,
        approval(product.approval),
        product.approval.decided_at,
    )


def change_page(page: wire.ChangeList) -> port.ChangePage:
    """Return what changed; of a resource that we do not know there is nothing to follow."""
    changes = tuple(found for change in page.changes if (found := _change(change)) is not None)
    return port.ChangePage(changes, page.next_cursor, page.has_more)


def _change(change: wire.Change) -> port.Change | None:
    match change.resource, change.external_ref:
        case ("order" | "product") as resource, str(reference):
            return port.Change(resource, reference, change.sequence)
        case _:
            return None


def field_errors(problem: wire.Problem) -> tuple[facts.FieldError, ...]:
    """Return which fields 360Hub refused."""
    return tuple(
        facts.FieldError(pointer=error.pointer, code=error.code, message=error.message)
        for error in problem.errors
    )


# --- events


def reference_of(event: wire.Event) -> str | None:
    """Return the reference that the event is about, or None if it names none of our form."""
    found = _read(wire.Addressed, event)
    return None if found is None else found.external_ref


def order_event(event: wire.Event, shipment: int) -> port.OrderEvent | None:
    """Return the event as facts about the shipment, or None if it carries no sequence."""
    if event.sequence is None:
        return None
    translate = _ORDER_EVENTS.get(event.type, _unrecognised)
    told = _Told(event, shipment, event.sequence)
    return port.OrderEvent(event.id, event.sequence, translate(told))


def product_approval(event: wire.Event) -> facts.Approval | None:
    """Return the approval that the event tells of, or None if it does not say."""
    found = _read(wire.ApprovalChanged, event)
    if event.type != "product.approval_changed" or found is None:
        return None
    return facts.Approval(status=found.status, reason_code=found.reason_code, reason=found.reason)


def manifest_closed(event: wire.Event) -> facts.ManifestClosed | None:
    """Return the closed romaneio with the references in it, or None if it is something else."""
    found = _read(wire.ManifestClosed, event)
    if event.type != "manifest.closed" or found is None:
        return None
    return facts.ManifestClosed(
        manifest_id=found.manifest_id,
        number=found.number,
        references=found.orders,
        happened_at=event.timestamp,
    )


def fact_id(account_id: UUID, origin: str, fact: type[Contract]) -> UUID:
    """Return the id of a fact that came from ``origin``: an event's id, or a state we read."""
    return derived_id(account_id, fact.TYPE, origin)


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
    labels = tuple(
        facts.Label(
            label_id=label.label_id,
            volume=label.volume,
            status=label.status,
            tracking_code=label.tracking_code,
            tracking_url=label.tracking_url,
            carrier=label.carrier_code,
            failure=label.failure_code,
        )
        for label in found.labels
    )
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
    occurrence = facts.Occurrence(**found.occurrence.model_dump())
    return (facts.OrderOccurrenceOpened(occurrence=occurrence, **told.common),)


def _occurrence_resolved(told: _Told) -> Facts:
    found = _read(wire.OccurrenceMoved, told.event)
    if found is None:
        return ()
    occurrence = facts.Occurrence(**found.occurrence.model_dump())
    return (facts.OrderOccurrenceResolved(occurrence=occurrence, **told.common),)


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
