"""What 360Hub decided about a command, as the fact that answers it. Pure."""

from typing import Any, assert_never
from uuid import UUID

from services.hub_gateway import port
from shared.contracts import Contract
from shared.contracts import hub_gateway as facts
from shared.contracts.sync_core import (
    AddProductPhoto,
    CancelOrder,
    ImportProduct,
    RegisterOrder,
)
from shared.gateway.values import Command


def overtaken(wanted: RegisterOrder, command: Command, cancelled_by: UUID) -> Contract:
    """Return the fact that a cancellation came before the registration."""
    return facts.CommandSuperseded(
        command_id=command.id,
        command_type=command.type,
        shipment=wanted.shipment,
        superseded_by=cancelled_by,
    )


def register_fact(
    wanted: RegisterOrder, command: Command, outcome: port.RegisterOutcome
) -> Contract:
    """Return the fact that answers a registration."""
    common: dict[str, Any] = {
        "shipment": wanted.shipment,
        "command_id": command.id,
        "version": wanted.version,
    }
    match outcome:
        case port.Registered():
            return facts.OrderRegistered(
                reference=wanted.reference,
                outcome=outcome.outcome,
                hub_id=outcome.hub_id,
                holds=outcome.holds,
                **common,
            )
        case port.Stale():
            return facts.OrderRefused(
                cause="stale", hub_version=outcome.hub_version, status=outcome.status, **common
            )
        case port.Locked():
            return facts.OrderRefused(cause="locked", status=outcome.status, **common)
        case port.Closed():
            return facts.OrderRefused(cause="closed", status=outcome.status, **common)
        case port.Invalid():
            return facts.OrderRefused(cause="invalid", errors=outcome.errors, **common)
        case port.UnknownProduct():
            return facts.OrderRefused(cause="unknown_product", errors=outcome.errors, **common)
        case port.Unsupported():
            return facts.OrderRefused(cause="unsupported", **common)
        case never:
            assert_never(never)


def cancel_fact(wanted: CancelOrder, command: Command, outcome: port.CancelOutcome) -> Contract:
    """Return the fact that answers a cancellation."""
    common: dict[str, Any] = {"shipment": wanted.shipment, "command_id": command.id}
    match outcome:
        case port.Cancelled():
            return facts.OrderCancelled(version=wanted.version, outcome=outcome.outcome, **common)
        case port.NotFound():
            return facts.OrderCancelled(version=wanted.version, outcome="not_found", **common)
        case port.NotCancellable():
            return facts.OrderCancelRefused(
                cause="not_cancellable", status=outcome.status, **common
            )
        case port.Closed():
            return facts.OrderCancelRefused(cause="closed", status=outcome.status, **common)
        case port.Unsupported():
            return facts.OrderCancelRefused(cause="unsupported", **common)
        case never:
            assert_never(never)


def import_fact(wanted: ImportProduct, command: Command, outcome: port.ImportOutcome) -> Contract:
    """Return the fact that answers an import."""
    common: dict[str, Any] = {
        "command_id": command.id,
        "product_id": wanted.product_id,
        "version": wanted.version,
    }
    match outcome:
        case port.Imported():
            return facts.ProductImported(
                reference=wanted.reference,
                outcome=outcome.outcome,
                approval=outcome.approval,
                hub_sequence=outcome.sequence,
                **common,
            )
        case port.Stale():
            return facts.ProductRefused(cause="stale", hub_version=outcome.hub_version, **common)
        case port.Invalid():
            return facts.ProductRefused(cause="invalid", errors=outcome.errors, **common)
        case port.Unsupported():
            return facts.ProductRefused(cause="unsupported", **common)
        case never:
            assert_never(never)


def photo_fact(wanted: AddProductPhoto, command: Command, outcome: port.PhotoOutcome) -> Contract:
    """Return the fact that answers a photo."""
    common: dict[str, Any] = {
        "command_id": command.id,
        "product_id": wanted.product_id,
        "position": wanted.position,
    }
    match outcome:
        case port.PhotoAdded():
            return facts.ProductPhotoAdded(
                photo_id=outcome.photo_id, status=outcome.status, **common
            )
        case port.Unsupported():
            return facts.ProductPhotoRefused(cause="unsupported", **common)
        case port.Invalid():
            return facts.ProductPhotoRefused(cause="invalid", errors=outcome.errors, **common)
        case port.NotFound():
            return facts.ProductPhotoRefused(cause="not_found", **common)
        case never:
            assert_never(never)
