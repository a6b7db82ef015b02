"""Volumes: each has its own label and its own way through the carrier's hands."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from shared.contracts import Frozen
from shared.contracts import hub_gateway as hub

DELIVERED: Final = "delivered"
READY: Final = "ready"
FAILED: Final = "failed"
VOIDED: Final = "voided"


class Label(Frozen):
    """One label as last told. ``failure``: why it could not be made.

    ``since`` and ``sequence`` are the first and the last of 360Hub's events that told of it.
    """

    label_id: str
    volume: int
    status: str
    tracking_code: str | None = None
    carrier: str | None = None
    failure: str | None = None
    since: int
    sequence: int


class Scan(Frozen):
    """The carrier's last scan of one volume. ``scanned_at`` is the carrier's clock: to be shown.

    ``scan`` and ``carrier_code`` are the others' own words, known to us or not. ``delivered``: it
    was reported as delivered once, and late scans of its way there change nothing about that.
    """

    scan: str | None
    carrier_code: str | None
    scanned_at: datetime | None
    sequence: int
    delivered: bool


Labels = Mapping[str, Label]
"""360Hub's id of a label → the label, voided ones included."""

Scans = Mapping[int, Scan]


def labelled(known: Labels, fact: hub.OrderLabelsUpdated) -> dict[str, Label]:
    """Return the labels after a fact about some; what a late one says counts for nothing."""
    labels, sequence = dict(known), fact.hub_sequence
    for news in fact.labels:
        before = labels.get(news.label_id)
        since = min(before.since, sequence) if before else sequence
        if before and sequence < before.sequence:
            labels[news.label_id] = before.model_copy(update={"since": since})
        else:
            told = news.model_dump(include=set(Label.model_fields))
            labels[news.label_id] = Label(**told, since=since, sequence=sequence)
    return labels


def in_force(labels: Labels) -> dict[int, Label]:
    """Return each volume's label: the last that is ready, or else the last that is not voided.

    Last is what was told of last for the first time: an old label's code may come late.
    """
    left = [label for label in labels.values() if label.status != VOIDED]
    left.sort(key=lambda label: (label.status == READY, label.since, label.label_id))
    return {label.volume: label for label in left}


def scanned(known: Scans, fact: hub.OrderTrackingUpdated) -> dict[int, Scan]:
    """Keep the last scan of each volume by 360Hub's count, whatever the carrier's clock says."""
    scans = dict(known)
    if fact.volume is None:
        return scans  # of no volume that anyone could name
    before = scans.get(fact.volume)
    delivered = fact.scan == DELIVERED or (before is not None and before.delivered)
    if before is not None and fact.hub_sequence < before.sequence:
        scans[fact.volume] = before.model_copy(update={"delivered": delivered})
    else:
        scans[fact.volume] = Scan(
            scan=fact.scan,
            carrier_code=fact.carrier_code,
            scanned_at=fact.scanned_at,
            sequence=fact.hub_sequence,
            delivered=delivered,
        )
    return scans


def behind(labels: Labels, scans: Scans) -> tuple[int, ...]:
    """Return the volumes that are not delivered though others of the order are."""
    delivered = {volume for volume, scan in scans.items() if scan.delivered}
    return tuple(sorted({*in_force(labels), *scans} - delivered)) if delivered else ()


def failed_labels(labels: Labels) -> tuple[Label, ...]:
    """Return the labels that could not be made, of volumes that got no newer one."""
    newest = sorted(labels.values(), key=lambda label: (label.since, label.label_id))
    last = {label.volume: label for label in newest}
    return tuple(label for _, label in sorted(last.items()) if label.status == FAILED)
