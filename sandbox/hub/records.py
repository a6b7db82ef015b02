"""What the hub remembers of orders, products and manifests."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sandbox.hub.clock import stamp
from sandbox.hub.problems import Json
from sandbox.hub.statuses import (
    CANCELLABLE,
    LABELS,
    UNKNOWN_STATUS_LABEL,
    OrderStatus,
    ProductStatus,
)

API_VERSION = "2026-03-01"
_SHOWN_TIME_STEP = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Cause:
    """Who made something happen; `request_id` names the call where it was the integration."""

    actor: str
    request_id: str | None = None


OPERATOR = Cause("operator")
CARRIER = Cause("carrier")
SYSTEM = Cause("system")


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened to one resource; `sequence` counts within that resource."""

    id: str
    type: str
    account_id: str
    occurred_at: datetime
    recorded_at: datetime
    sequence: int
    cause: Cause
    data: Json

    def envelope(self) -> Json:
        return {
            "id": self.id,
            "type": self.type,
            "api_version": API_VERSION,
            "timestamp": stamp(self.occurred_at),
            "recorded_at": stamp(self.recorded_at),
            "account_id": self.account_id,
            "sequence": self.sequence,
            "origin": {"actor": self.cause.actor, "request_id": self.cause.request_id},
            "data": self.data,
        }


@dataclass(kw_only=True)
class Resource:
    """Anything with a gap-free sequence of events."""

    ref: str
    """The caller's reference; a manifest's own id."""
    hub_id: str
    created_at: datetime
    updated_at: datetime
    events: list[Event] = field(default_factory=list)

    @property
    def sequence(self) -> int:
        return len(self.events)

    def touch(self, now: datetime) -> None:
        """Move `updated_at` on, so that no two changes show the same time."""
        self.updated_at = max(now, self.updated_at + _SHOWN_TIME_STEP)


@dataclass(kw_only=True)
class Label:
    label_id: str
    volume: int
    status: str
    carrier_code: str
    generated_at: datetime
    tracking_code: str | None = None
    failure_code: str | None = None
    voided_at: datetime | None = None

    @property
    def tracking_url(self) -> str | None:
        return self.tracking_code and f"https://rastreio.example/{self.tracking_code}"


@dataclass(frozen=True, kw_only=True)
class Scan:
    event_id: str
    volume: int
    stage: str
    raw_code: str
    occurred_at: datetime
    recorded_at: datetime


@dataclass(kw_only=True)
class Occurrence:
    occurrence_id: str
    volume: int
    code: str
    attempt: int
    raw_code: str
    carrier_text: str | None
    """What the carrier wrote of it; never in an event, as it may name a person."""
    act_before: datetime | None
    opened_at: datetime
    resolved_at: datetime | None = None
    resolution: str | None = None


@dataclass(frozen=True)
class Receipt:
    """One `PUT` or cancellation as it was received, and what became of it."""

    source_version: int
    outcome: str
    at: datetime


@dataclass(kw_only=True)
class Order(Resource):
    content: Json
    source_version: int
    status: OrderStatus
    status_changed_at: datetime
    reported_as: str | None = None
    """An unknown status that the outside is told instead of `status`."""
    holds: list[Json] = field(default_factory=list)
    manifest_id: str | None = None
    labels: list[Label] = field(default_factory=list)
    scans: list[Scan] = field(default_factory=list)
    occurrences: list[Occurrence] = field(default_factory=list)
    measured_volumes: list[Json] = field(default_factory=list)
    """Volumes as the operator measured them; they stand beside the content, never in it."""
    refused_for_balance: bool = False
    receipts: list[Receipt] = field(default_factory=list)

    @property
    def volumes(self) -> list[Json]:
        return self.measured_volumes or self.content.get("volumes", [])

    @property
    def volume_numbers(self) -> list[int]:
        return [volume["volume"] for volume in self.volumes] or [1]

    @property
    def shown_status(self) -> str:
        return self.reported_as or self.status.value

    @property
    def shown_label(self) -> str:
        return UNKNOWN_STATUS_LABEL if self.reported_as else LABELS[self.status]

    @property
    def ready_labels(self) -> list[Label]:
        """The last ready label of each volume."""
        latest = {label.volume: label for label in self.labels if label.status == "ready"}
        return [latest[volume] for volume in sorted(latest)]

    @property
    def volumes_without_label(self) -> list[int]:
        ready = {label.volume for label in self.ready_labels}
        return [number for number in self.volume_numbers if number not in ready]

    @property
    def open_occurrences(self) -> list[Occurrence]:
        return [occurrence for occurrence in self.occurrences if occurrence.resolved_at is None]

    @property
    def cancellable(self) -> bool:
        return self.status in CANCELLABLE

    @property
    def product_refs(self) -> list[str]:
        return sorted({item["product_ref"] for item in self.content["items"]})

    def delivered_at(self, volume: int) -> datetime | None:
        times = [s.recorded_at for s in self.scans if s.volume == volume and s.stage == "delivered"]
        return min(times, default=None)


@dataclass(kw_only=True)
class Photo:
    """A photo that the integration sent; `reason_code` says why it was rejected."""

    photo_id: str
    position: int
    source_url: str
    status: str = "processing"
    reason_code: str | None = None


@dataclass(kw_only=True)
class Product(Resource):
    content: Json
    source_version: int
    status: ProductStatus = ProductStatus.AWAITING_PHOTOS
    photos_required: int = 1
    photos_accepted: int = 0
    photos: list[Photo] = field(default_factory=list)
    reason_code: str | None = None
    reason: str | None = None
    decided_at: datetime | None = None
    receipts: list[Receipt] = field(default_factory=list)


@dataclass(kw_only=True)
class Manifest(Resource):
    number: str
    status: str = "open"
    closed_at: datetime | None = None
    added: dict[str, datetime] = field(default_factory=dict)
    """{order reference: when it was added}"""
