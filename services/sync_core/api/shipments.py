"""A shipment as people see it: what holds it, where its volumes are, what went wrong on the way."""

from services.sync_core.api.models import (
    HoldView,
    OccurrenceView,
    ScanView,
    ShipmentView,
    TrackingView,
    VolumeView,
)
from services.sync_core.audit.explanations import hold_sentence
from services.sync_core.audit.words import Words
from services.sync_core.domain import (
    PENDING_APPROVAL,
    Label,
    Occurrence,
    Scan,
    Shipment,
    tracked_volumes,
)


def shipment_view(shipment: Shipment, words: Words) -> ShipmentView:
    """Return the shipment with everything that stands beside its status."""
    labels = shipment.labels
    return ShipmentView(
        number=shipment.number,
        reference=shipment.reference,
        version=shipment.version,
        registered=shipment.registered,
        status=shipment.status,
        holds=tuple(_hold(shipment, code, words) for code in shipment.holds),
        volumes=tuple(
            _volume(number, labels.get(number), shipment.scans.get(number), words)
            for number in sorted({*labels, *shipment.scans})
        ),
        occurrences=tuple(
            _occurrence(each, words)
            for each in sorted(shipment.occurred.values(), key=lambda each: each.opened_at)
        ),
        tracking=tuple(
            TrackingView.model_validate(each, from_attributes=True)
            for each in tracked_volumes(shipment)
        ),
        tracking_in_bling=shipment.tracking.how if shipment.tracking else None,
    )


def _hold(shipment: Shipment, code: str, words: Words) -> HoldView:
    products = shipment.pending_products if code == PENDING_APPROVAL else ()
    return HoldView(code=code, sentence=hold_sentence(code, words), products=products)


def _volume(number: int, label: Label | None, scan: Scan | None, words: Words) -> VolumeView:
    return VolumeView(
        volume=number,
        delivered=scan is not None and scan.delivered,
        label_status=label.status if label else None,
        label_failure=label.failure if label else None,
        tracking_code=label.tracking_code if label else None,
        carrier=label.carrier if label else None,
        scan=_scan(scan, words) if scan else None,
    )


def _scan(scan: Scan, words: Words) -> ScanView:
    return ScanView(
        scan=scan.scan,
        label=words.word("scan", scan.scan or "unknown"),
        carrier_code=scan.carrier_code,
        scanned_at=scan.scanned_at,
    )


def _occurrence(occurrence: Occurrence, words: Words) -> OccurrenceView:
    return OccurrenceView(
        **occurrence.model_dump(exclude={"sequence"}),
        label=words.word("occurrence", occurrence.code),
        group_label=words.word("occurrence_group", occurrence.group),
        severity_label=words.word("severity", occurrence.severity),
        responsible_label=words.word("responsible", occurrence.responsible),
        suggested_action_label=words.word("suggested_action", occurrence.suggested_action),
        needs_person=occurrence.needs_person,
    )
