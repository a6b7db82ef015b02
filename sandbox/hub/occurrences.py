"""Occurrences: departures from the normal course, beside the status."""

from dataclasses import dataclass
from datetime import datetime

from sandbox.hub.clock import stamp, stamp_or_none
from sandbox.hub.events import record_order
from sandbox.hub.faults import FaultName
from sandbox.hub.ids import new_id
from sandbox.hub.order_life import check_volume
from sandbox.hub.problems import Json
from sandbox.hub.records import CARRIER, Occurrence, Order
from sandbox.hub.state import Account
from sandbox.hub.statuses import UNKNOWN_OCCURRENCE


@dataclass(frozen=True)
class OccurrenceKind:
    label: str
    group: str
    severity: str
    responsible: str
    suggested_action: str


_K = OccurrenceKind

KINDS = {
    "collection_failed": _K("Coleta não realizada", "collection", "warning", "carrier", "none"),
    "posting_expired": _K(
        "Postagem expirada", "collection", "action_required", "sender", "contact_carrier"
    ),
    "delivery_delayed": _K("Entrega atrasada", "transit", "info", "carrier", "none"),
    "misrouted": _K("Encaminhado para unidade errada", "transit", "info", "carrier", "none"),
    "fiscal_hold": _K(
        "Retido em fiscalização", "transit", "action_required", "authority", "provide_document"
    ),
    "damaged": _K("Avaria", "transit", "action_required", "carrier", "open_claim"),
    "stolen": _K("Roubo ou furto", "transit", "final", "third_party", "open_claim"),
    "lost": _K("Extravio", "transit", "final", "carrier", "open_claim"),
    "recipient_absent": _K(
        "Destinatário ausente", "delivery_attempt", "warning", "recipient", "wait_new_attempt"
    ),
    "establishment_closed": _K(
        "Estabelecimento fechado", "delivery_attempt", "warning", "recipient", "wait_new_attempt"
    ),
    "address_not_found": _K(
        "Endereço não localizado",
        "delivery_attempt",
        "action_required",
        "sender",
        "correct_address",
    ),
    "address_incomplete": _K(
        "Endereço incompleto", "delivery_attempt", "action_required", "sender", "correct_address"
    ),
    "recipient_unknown": _K(
        "Destinatário desconhecido ou mudou-se",
        "delivery_attempt",
        "action_required",
        "sender",
        "contact_recipient",
    ),
    "refused_by_recipient": _K(
        "Recusado pelo destinatário", "delivery_attempt", "final", "recipient", "authorise_return"
    ),
    "restricted_area": _K(
        "Área de risco ou restrita",
        "delivery_attempt",
        "action_required",
        "third_party",
        "contact_carrier",
    ),
    "outside_delivery_area": _K(
        "Fora da área de entrega",
        "delivery_attempt",
        "action_required",
        "carrier",
        "contact_carrier",
    ),
    "awaiting_pickup_at_unit": _K(
        "Aguardando retirada na unidade",
        "pickup",
        "action_required",
        "recipient",
        "contact_recipient",
    ),
    "pickup_expired": _K(
        "Prazo de retirada encerrado", "pickup", "final", "recipient", "authorise_return"
    ),
    "return_started": _K("Devolução iniciada", "return", "warning", "carrier", "none"),
    "return_refused": _K(
        "Remetente não recebeu a devolução",
        "return",
        "action_required",
        "sender",
        "contact_carrier",
    ),
    "carrier_status_unmapped": _K(
        "Ocorrência não classificada", "other", "info", "unknown", "none"
    ),
}

_UNKNOWN = _K("Ocorrência", "other", "info", "unknown", "none")


def open_occurrence(
    account: Account,
    order: Order,
    code: str,
    *,
    volume: int,
    raw_code: str | None = None,
    carrier_text: str | None = None,
    act_before: datetime | None = None,
) -> Occurrence:
    """Open an occurrence of one volume; codes outside the list are allowed, as hubs add them."""
    check_volume(order, volume)
    if account.faults.take(FaultName.UNKNOWN_OCCURRENCE):
        code = UNKNOWN_OCCURRENCE
    before = [o for o in order.occurrences if (o.volume, o.code) == (volume, code)]
    occurrence = Occurrence(
        occurrence_id=new_id("occ"),
        volume=volume,
        code=code,
        attempt=len(before) + 1,
        raw_code=raw_code or code.upper(),
        carrier_text=carrier_text,
        act_before=act_before,
        opened_at=account.clock.now(),
    )
    order.occurrences.append(occurrence)
    data = {"occurrence": _opened(occurrence)}
    record_order(account, order, "order.occurrence_opened", data, cause=CARRIER)
    return occurrence


def resolve_occurrence(
    account: Account, order: Order, occurrence: Occurrence, resolution: str
) -> None:
    """Close an open occurrence and say how it ended."""
    occurrence.resolved_at = account.clock.now()
    occurrence.resolution = resolution
    notice = {
        "occurrence_id": occurrence.occurrence_id,
        "volume": occurrence.volume,
        "code": occurrence.code,
        "resolution": resolution,
        "resolved_at": stamp(occurrence.resolved_at),
    }
    record_order(account, order, "order.occurrence_resolved", {"occurrence": notice}, cause=CARRIER)


def occurrence_view(occurrence: Occurrence) -> Json:
    kind = KINDS.get(occurrence.code, _UNKNOWN)
    return {
        "occurrence_id": occurrence.occurrence_id,
        "volume": occurrence.volume,
        "code": occurrence.code,
        "label": kind.label,
        "group": kind.group,
        "severity": kind.severity,
        "responsible": kind.responsible,
        "status": "open" if occurrence.resolved_at is None else "resolved",
        "attempt": occurrence.attempt,
        "suggested_action": kind.suggested_action,
        "act_before": stamp_or_none(occurrence.act_before),
        "carrier_raw_code": occurrence.raw_code,
        "carrier_text": occurrence.carrier_text,
        "opened_at": stamp(occurrence.opened_at),
        "resolved_at": stamp_or_none(occurrence.resolved_at),
        "resolution": occurrence.resolution,
    }


def _opened(occurrence: Occurrence) -> Json:
    kind = KINDS.get(occurrence.code, _UNKNOWN)
    return {
        "occurrence_id": occurrence.occurrence_id,
        "volume": occurrence.volume,
        "code": occurrence.code,
        "group": kind.group,
        "severity": kind.severity,
        "responsible": kind.responsible,
        "attempt": occurrence.attempt,
        "suggested_action": kind.suggested_action,
        "act_before": stamp_or_none(occurrence.act_before),
        "carrier_raw_code": occurrence.raw_code,
    }
