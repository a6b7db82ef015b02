"""The state of an order: what both sides showed, and what was asked of them."""

from datetime import date, datetime
from typing import Final, Literal
from uuid import UUID

from pydantic import Field

from services.sync_core.domain.occurrences import Occurrence, Occurrences
from services.sync_core.domain.volumes import Label, Scan, in_force
from shared.contracts import Frozen
from shared.contracts import bling_gateway as bling
from shared.contracts import sync_core as core

BEFORE_LABELS: Final = frozenset({None, "order_created", "in_manifest"})
BEFORE_INTAKE: Final = frozenset({*BEFORE_LABELS, "awaiting_dispatch"})
UNDELIVERED: Final = frozenset({"returning_to_sender", "returned_to_sender", "lost"})
"""Statuses that a cancellation in Bling does not contradict: the customer gets nothing."""

FINISHED: Final = frozenset({"delivered", *UNDELIVERED})
"""Statuses after which a cancellation in Bling is only recorded."""

PENDING_APPROVAL: Final = "product_pending_approval"
"""360Hub's hold on an order whose products it has not approved."""

CANCELLED_VALUE: Final = 2
"""Bling's ``situacao.valor`` of every cancelled situação, custom ones included."""


class Content(Frozen):
    """Which fact carries the order's last good content, its digest, and its products.

    ``documented``: it names a fiscal document.
    """

    event_id: UUID
    digest: str
    product_ids: tuple[int, ...]
    documented: bool = False


class Tracking(Frozen):
    """The tracking that Bling was last asked to hold, how that stands, and what Bling said."""

    command_id: UUID
    volumes: tuple[core.TrackedVolume, ...]
    how: Literal["sent", "withheld", "written", "refused", "parked", "discarded"]
    refusal: tuple[str, ...] = ()


class Shipment(Frozen):
    """One attempt to ship the order.

    ``version`` counts the decisions to register or cancel; ``register_version``,
    ``content_digest`` and ``declares_content`` are those of the last register. ``registration`` is
    how that register stands, ``told`` whether any was ever sent, ``registered`` whether 360Hub
    holds the shipment. ``rechecked``: a cancellation that found nothing was sent once more.
    ``refused_cancel`` is why 360Hub does not cancel it. ``closed``: its end was told.
    ``pending_products``: those that the hold names as not approved. ``issued``: every label that
    360Hub told of, by its id. ``scans``: the carrier's last one of each volume. ``occurred``: every
    occurrence, by its id.
    """

    number: int
    reference: str
    version: int = 0
    register_version: int = 0
    content_digest: str | None = None
    declares_content: bool = False
    registration: (
        Literal[
            "sent",
            "withheld",
            "registered",
            "locked",
            "unlocked",
            "stale",
            "closed",
            "invalid",
            "unsupported",
            "parked",
            "discarded",
            "withdrawn",
        ]
        | None
    ) = None
    told: bool = False
    registered: bool = False
    errors: tuple[str, ...] = ()
    cancellation: (
        Literal[
            "sent",
            "withheld",
            "confirmed",
            "not_found",
            "refused",
            "parked",
            "discarded",
            "void",
        ]
        | None
    ) = None
    refused_cancel: Literal["not_cancellable", "closed", "unsupported"] | None = None
    rechecked: bool = False
    closed: bool = False
    status: str | None = None
    status_sequence: int = 0
    holds: tuple[str, ...] = ()
    pending_products: tuple[int, ...] = ()
    holds_sequence: int = 0
    issued: dict[str, Label] = Field(default_factory=dict)
    scans: dict[int, Scan] = Field(default_factory=dict)
    occurred: Occurrences = Field(default_factory=dict)
    tracking: Tracking | None = None

    @property
    def cancelled_at_hub(self) -> bool:
        """Whether nothing of this shipment is alive at 360Hub."""
        if self.cancellation == "not_found":
            return self.status in (None, "cancelled")
        return self.status == "cancelled" or self.cancellation in ("confirmed", "void")

    @property
    def open(self) -> bool:
        """Whether the shipment may still be told new content."""
        return (
            not self.closed
            and self.cancellation in (None, "withheld")
            and self.status not in FINISHED
            and self.status != "cancelled"
        )

    @property
    def labels(self) -> dict[int, Label]:
        """The label in force of each volume."""
        return in_force(self.issued)

    @property
    def open_occurrences(self) -> tuple[Occurrence, ...]:
        """What departs from the normal delivery now, in the order of its beginning."""
        still = [each for each in self.occurred.values() if each.is_open]
        return tuple(sorted(still, key=lambda each: (each.opened_at, each.sequence, each.code)))


class Pending(Frozen):
    """A write of a situação that Bling has not answered yet."""

    command_id: UUID
    target: int
    expected: int


class LastWrite(Frozen):
    """Our last write, and the window in which it may have hidden a person's change."""

    expected: int
    target: int
    read_at: datetime
    written_at: datetime


class Deadline(Frozen):
    """When the rules want to be told that nothing changed."""

    due_at: datetime
    passed: bool = False


class Entry(Frozen):
    """Why an order that shows the start situação was not sent."""

    cause: Literal["filtered", "awaiting_confirmation"]
    criterion: Literal["stores", "services", "freight_payers", "business_units"] | None = None


class OrderState(Frozen):
    """Everything that the rules know of one order.

    ``shown``: Bling's situação last read or answered, ``prior`` the one before that fact, and
    ``bling_sequence`` the place of the last fact that told what Bling shows. ``base``: the last one
    both sides agreed on. ``refused``: a target that Bling refused for good, or whose write is
    parked, and ``refusal`` what Bling said of it. ``kept``: the situação that a person chose to
    keep. ``overwritten``: one that a person set and our write may have hidden. ``withheld``: the
    target of a write not sent.
    """

    order_id: int
    number: str = ""
    store_number: str | None = None
    placed_on: date | None = None
    store_id: int | None = None
    business_unit_id: int | None = None
    freight_payer: int | None = None
    services: tuple[str, ...] = ()
    data_subject: str | None = None

    shown: bling.Situation | None = None
    prior: int | None = None
    bling_sequence: int = 0
    gone: Literal["gone", "held"] | None = None
    content: Content | None = None
    problems: tuple[str, ...] = ()
    missing_products: tuple[int, ...] = ()

    entry: Entry | None = None
    shipment: Shipment | None = None
    base: int | None = None
    pending: Pending | None = None
    refused: int | None = None
    refusal: str | None = None
    withheld: int | None = None
    kept: int | None = None
    last_write: LastWrite | None = None
    overwritten: int | None = None
    parked: dict[str, str] = Field(default_factory=dict)

    stage: str | None = None
    reasons: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    deadlines: dict[str, Deadline] = Field(default_factory=dict)

    @property
    def stream(self) -> str:
        """The stream whose fold this is."""
        return f"order-{self.order_id}"

    @property
    def shown_id(self) -> int | None:
        """The id of Bling's situação last read or answered."""
        return self.shown.id if self.shown else None

    @property
    def due_at(self) -> datetime | None:
        """The next deadline that has not passed."""
        return min(
            (deadline.due_at for deadline in self.deadlines.values() if not deadline.passed),
            default=None,
        )

    @property
    def rechecking(self) -> bool:
        """Whether a cancellation that found nothing will be sent once more."""
        recheck = self.deadlines.get("cancel_recheck")
        return recheck is not None and not recheck.passed

    @property
    def waits_for(self) -> tuple[int, ...]:
        """The products without which the present content cannot be registered."""
        if self.shipment is None or not self.shipment.open or self.content is None:
            return ()
        if self.shipment.registration == "withheld":
            return self.content.product_ids
        if self.shipment.content_digest == self.content.digest:
            return ()
        return self.content.product_ids

    @property
    def waits_for_approval(self) -> tuple[int, ...]:
        """The products until whose approval 360Hub holds the shipment."""
        if self.shipment is None or not self.shipment.open:
            return ()
        return self.shipment.pending_products
