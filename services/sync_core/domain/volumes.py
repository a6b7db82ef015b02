"""Volumes: each has its own label and its own way through the carrier's hands."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from shared.contracts import Frozen
from shared.contracts import hub_gateway as hub

DELIVERED: Final = "delivered"
FAILED: Final = "failed"


class Label(Frozen):
    """The label in force of one volume. ``failure``: why it could not be made."""

    label_id: str
    status: str
    tracking_code: str | None = None
    carrier: str | None = None
    failure: str | None = None


class Scan(Frozen):
    """The carrier's last scan of one volume. ``scanned_at`` is the carrier's clock: to be shown.

    ``scan`` and ``carrier_code`` are the others' own words, known to us or not.
    """

    scan: str | None
    carrier_code: str | None
    scanned_at: datetime | None
    sequence: int


Labels = Mapping[int, Label]
Scans = Mapping[int, Scan]


def labelled(known: Labels, news: tuple[hub.Label, ...]) -> dict[int, Label]:
    """Keep the last label of each volume; a voided one goes, unless a newer took its place."""
    labels = dict(known)
    for label in news:
        if label.status != "voided":
            labels[label.volume] = Label(
                label_id=label.label_id,
                status=label.status,
                tracking_code=label.tracking_code,
                carrier=label.carrier,
                failure=label.failure,
            )
        elif label.volume in labels and labels[label.volume].label_id == label.label_id:
            del labels[label.volume]
    return labels


def scanned(known: Scans, fact: hub.OrderTrackingUpdated) -> dict[int, Scan]:
    """Keep the last scan of each volume by 360Hub's count, whatever the carrier's clock says."""
    scans = dict(known)
    if fact.volume is None:
        return scans  # of no volume that anyone could name
    before = scans.get(fact.volume)
    if before is None or before.sequence < fact.hub_sequence:
        scans[fact.volume] = Scan(
            scan=fact.scan,
            carrier_code=fact.carrier_code,
            scanned_at=fact.scanned_at,
            sequence=fact.hub_sequence,
        )
    return scans


def behind(labels: Labels, scans: Scans) -> tuple[int, ...]:
    """Return the volumes that are not delivered though others of the order are."""
    delivered = {volume for volume, scan in scans.items() if scan.scan == DELIVERED}
    return tuple(sorted({*labels, *scans} - delivered)) if delivered else ()


def failed_labels(labels: Labels) -> tuple[tuple[int, str], ...]:
    """Return the volumes whose label could not be made, each with 360Hub's word for why."""
    return tuple(
        (volume, label.failure or "unknown")
        for volume, label in sorted(labels.items())
        if label.status == FAILED
    )
