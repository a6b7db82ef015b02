"""Between our contracts and 360Hub's JSON: bodies to send, answers to read. Pure."""

from decimal import Decimal
from typing import Any, Literal

from services.hub_gateway import port
from services.hub_gateway.hub_api import wire
from shared.contracts import hub_gateway as facts
from shared.contracts.content import FiscalDocument, Item, OrderContent, Recipient, Volume


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
    return facts.Approval(**found.model_dump(exclude={"decided_at"}))


def label(found: wire.Label) -> facts.Label:
    """Return the label in our words."""
    return facts.Label(
        label_id=found.label_id,
        volume=found.volume,
        status=found.status,
        tracking_code=found.tracking_code,
        tracking_url=found.tracking_url,
        carrier=found.carrier_code,
        failure=found.failure_code,
    )


def occurrence(found: wire.Occurrence) -> facts.Occurrence:
    """Return the occurrence in our words."""
    return facts.Occurrence(**found.model_dump(include=set(facts.Occurrence.model_fields)))


def occurrence_seen(found: wire.RecordedOccurrence) -> port.OccurrenceSeen:
    """Return the occurrence as read."""
    return port.OccurrenceSeen(occurrence(found), found.opened_at, found.resolved_at)


def scan_seen(found: wire.RecordedScan) -> port.ScanSeen:
    """Return the scan as read."""
    return port.ScanSeen(
        found.stage, found.volume, found.carrier_raw_code, found.occurred_at, found.recorded_at
    )


def photo_body(photo: port.PhotoToAdd) -> dict[str, Any]:
    """Return the body that hands a photo over. 360Hub fetches it, and so knows its digest."""
    return {"source_url": photo.url, "position": photo.position}


def failed_delivery(found: wire.Delivery) -> port.FailedDelivery:
    """Return the delivery that 360Hub gave up."""
    return port.FailedDelivery(
        found.delivery_id,
        found.event_type,
        found.external_ref,
        found.attempts,
        found.last_response_status,
        found.last_attempt_at,
    )


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
        if volume is not None and volume.label_id is not None
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


def change(found: wire.Change) -> port.Change | None:
    """Return what changed, or None if it is a resource that we do not know."""
    match found.resource, found.external_ref:
        case ("order" | "product") as resource, str(reference):
            return port.Change(resource, reference, found.sequence)
        case _:
            return None


def field_errors(problem: wire.Problem) -> tuple[facts.FieldError, ...]:
    """Return which fields 360Hub refused."""
    return tuple(
        facts.FieldError(pointer=error.pointer, code=error.code, message=error.message)
        for error in problem.errors or ()
    )
