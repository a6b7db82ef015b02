"""The facts that the 360Hub gateway publishes: what it saw at 360Hub, or did there."""

from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from shared.contracts import commands
from shared.contracts.model import Contract, Frozen

SOURCE = "/hub_gateway"

HubStatus = Literal[
    "order_created",
    "in_manifest",
    "awaiting_dispatch",
    "with_carrier",
    "delivered",
    "cancelled",
    "returning_to_sender",
    "returned_to_sender",
    "lost",
]
"""The statuses that we know. A fact carries the raw word, which may be another."""


Capability = Literal[
    "webhooks", "event_sequence", "updates", "cancellation", "holds", "photos", "signed_time"
]
"""What the hub behind the gateway may be unable to do.

``webhooks``: it tells of changes by itself. ``event_sequence``: it counts each order's events.
``updates``: content that it holds already can be replaced. ``holds``: it says why an order waits.
``signed_time``: the signature of a webhook covers when it was sent.
"""


class Hold(Frozen):
    """Why 360Hub does not let an order go on yet."""

    code: str
    product_references: tuple[str, ...] = ()


class Label(Frozen):
    """The label of one volume. ``status``: processing, ready, failed or voided."""

    label_id: str
    volume: int
    status: str
    tracking_code: str | None = None
    tracking_url: str | None = None
    carrier: str | None = None
    failure: str | None = None


class Occurrence(Frozen):
    """A departure from the normal delivery of one volume.

    ``code``, ``group``, ``severity`` and ``suggested_action`` are 360Hub's own words, known to us
    or not. ``carrier_code`` is the carrier's, raw; its text may name a person and is not carried.
    """

    occurrence_id: str
    volume: int | None = None
    code: str
    group: str | None = None
    severity: str | None = None
    responsible: str | None = None
    attempt: int | None = None
    suggested_action: str | None = None
    act_before: datetime | None = None
    carrier_code: str | None = None
    resolution: str | None = None


class FieldError(Frozen):
    """One field that 360Hub refused, by its JSON pointer."""

    pointer: str
    code: str
    message: str | None = None


class ShipmentFact(Contract):
    """A fact about one shipment of the order that the stream names."""

    shipment: int


class SequencedFact(ShipmentFact):
    """A fact from 360Hub's own events, counted per order without gaps."""

    hub_sequence: int
    happened_at: datetime


class OrderRegistered(ShipmentFact):
    """360Hub holds this version of the order. The answer to a call: it moves no status."""

    TYPE: ClassVar[str] = "hub.order.registered"

    command_id: UUID
    reference: str
    version: int
    outcome: Literal["created", "updated", "unchanged"]
    hub_id: str
    holds: tuple[Hold, ...] = ()


class OrderRefused(ShipmentFact):
    """360Hub did not take this version of the order. ``unsupported``: it takes no changes."""

    TYPE: ClassVar[str] = "hub.order.refused"

    command_id: UUID
    version: int
    cause: Literal["locked", "closed", "stale", "invalid", "unknown_product", "unsupported"]
    hub_version: int | None = None
    status: str | None = None
    errors: tuple[FieldError, ...] = ()


class OrderCancelled(ShipmentFact):
    """The shipment is cancelled at 360Hub, or it holds none (``not_found``)."""

    TYPE: ClassVar[str] = "hub.order.cancelled"

    command_id: UUID
    version: int
    outcome: Literal["cancelled", "unchanged", "not_found"]


class OrderCancelRefused(ShipmentFact):
    """360Hub can no longer cancel the shipment, or takes no cancellations (``unsupported``)."""

    TYPE: ClassVar[str] = "hub.order.cancel_refused"

    command_id: UUID
    cause: Literal["not_cancellable", "closed", "unsupported"]
    status: str | None = None


class OrderStatusChanged(SequencedFact):
    """The shipment's status moved. ``status`` is 360Hub's own word, known to us or not."""

    TYPE: ClassVar[str] = "hub.order.status_changed"

    previous: str | None = None
    status: str
    inferred: bool = False
    reason_code: str | None = None
    manifest_id: str | None = None


class OrderContentUpdated(SequencedFact):
    """360Hub took over new content."""

    TYPE: ClassVar[str] = "hub.order.content_updated"

    version: int | None = None


class OrderHoldChanged(SequencedFact):
    """All holds that are on the shipment now."""

    TYPE: ClassVar[str] = "hub.order.hold_changed"

    holds: tuple[Hold, ...]


class OrderLabelsUpdated(SequencedFact):
    """Labels became ready, failed, were voided, or got their code."""

    TYPE: ClassVar[str] = "hub.order.labels_updated"

    labels: tuple[Label, ...]


class OrderTrackingUpdated(SequencedFact):
    """The carrier scanned a volume."""

    TYPE: ClassVar[str] = "hub.order.tracking_updated"

    scan: str | None
    volume: int | None = None
    carrier_code: str | None = None
    scanned_at: datetime | None = None


class OrderOccurrenceOpened(SequencedFact):
    TYPE: ClassVar[str] = "hub.order.occurrence_opened"

    occurrence: Occurrence


class OrderOccurrenceResolved(SequencedFact):
    TYPE: ClassVar[str] = "hub.order.occurrence_resolved"

    occurrence: Occurrence


class OrderEventUnrecognised(SequencedFact):
    """An event of 360Hub's whose type we do not know, kept by its raw name."""

    TYPE: ClassVar[str] = "hub.order.event_unrecognised"

    raw_type: str


class Approval(Frozen):
    """Where a product stands in 360Hub's approval, and how many photos that takes."""

    status: str
    reason_code: str | None = None
    reason: str | None = None
    photos_required: int | None = None
    photos_accepted: int | None = None


class ProductImported(Contract):
    """360Hub holds this version of the product, whatever its approval."""

    TYPE: ClassVar[str] = "hub.product.imported"

    command_id: UUID
    product_id: int
    reference: str
    version: int
    outcome: Literal["created", "updated", "unchanged"]
    approval: Approval
    hub_sequence: int


class ProductRefused(Contract):
    """360Hub did not take this version of the product."""

    TYPE: ClassVar[str] = "hub.product.refused"

    command_id: UUID
    product_id: int
    version: int
    cause: Literal["stale", "invalid", "unsupported"]
    hub_version: int | None = None
    errors: tuple[FieldError, ...] = ()


class ProductPhotoAdded(Contract):
    """360Hub took the photo in. ``status``: processing, accepted or rejected."""

    TYPE: ClassVar[str] = "hub.product.photo_added"

    command_id: UUID
    product_id: int
    position: int
    photo_id: str
    status: str


class ProductPhotoRefused(Contract):
    """360Hub did not take the photo.

    ``unsupported``: it takes no photos from us at all, or for this account. ``not_found``: it does
    not hold the product.
    """

    TYPE: ClassVar[str] = "hub.product.photo_refused"

    command_id: UUID
    product_id: int
    position: int
    cause: Literal["unsupported", "invalid", "not_found"]
    errors: tuple[FieldError, ...] = ()


class ProductApprovalChanged(Contract):
    """The approval moved, or was read because an event was missed."""

    TYPE: ClassVar[str] = "hub.product.approval_changed"

    product_id: int
    reference: str
    approval: Approval
    hub_sequence: int
    happened_at: datetime


class ManifestClosed(Contract):
    """A romaneio was closed with these references in it."""

    TYPE: ClassVar[str] = "hub.manifest.closed"

    manifest_id: str
    number: str | None = None
    references: tuple[str, ...] = ()
    happened_at: datetime


class AccountConnected(Contract):
    """360Hub accepts the account's credentials, and delivers its events to us.

    ``lacks`` names what the hub behind the gateway cannot do.
    """

    TYPE: ClassVar[str] = "hub.account.connected"

    hub_account_id: str
    lacks: tuple[Capability, ...] = ()


class AccountDisconnected(Contract):
    """360Hub no longer accepts the account's credentials."""

    TYPE: ClassVar[str] = "hub.account.disconnected"

    cause: str


class AccountPaused(commands.AccountPaused):
    TYPE: ClassVar[str] = "hub.account.paused"


class AccountResumed(commands.AccountResumed):
    TYPE: ClassVar[str] = "hub.account.resumed"


class CommandParked(commands.CommandParked):
    TYPE: ClassVar[str] = "hub.command.parked"


class CommandSuperseded(commands.CommandSuperseded):
    TYPE: ClassVar[str] = "hub.command.superseded"


class CommandDiscarded(commands.CommandDiscarded):
    TYPE: ClassVar[str] = "hub.command.discarded"


class SubjectErased(commands.SubjectErased):
    TYPE: ClassVar[str] = "hub.subject_erased"
